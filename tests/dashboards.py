"""The dashboards of grafana/ as Grafana reads them, and the rules they keep.

The rules are those of Grafana's dashboard linter for dashboards of Prometheus,
taken strictly: each holds for every kind of panel, for each row of a table too,
and for annotations where it makes sense. Each takes a dashboard and returns what
is wrong with it, one line for each fault.
"""

import json
import pathlib
import re

GRAFANA = pathlib.Path(__file__).parent.parent / "grafana"

# What Grafana puts into a query; the value is one that a short test can fill.
BUILT_IN = {
    "__rate_interval": "15s",
    "__interval": "5s",
    "__range": "1h",
}

UNITS = ("none", "short", "percentunit", "bytes", "s", "d")

KEYWORDS = {"and", "or", "unless", "bool", "offset", "inf", "nan"}
GROUPING = r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^()]*\)"


def load():
    """{uid: dashboard} of every file in grafana/dashboards."""
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    return {path.stem: json.loads(path.read_text()) for path in files}


def panels(dashboard):
    """The panels that show something: all but rows."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel(dashboard, title):
    [found] = [each for each in panels(dashboard) if each["title"] == title]
    return found


def targets(dashboard):
    """[(panel, target)], in the order of the dashboard."""
    return [(each, query) for each in panels(dashboard) for query in each["targets"]]


def variable(dashboard, name):
    """The variable of that name; {} where there is none."""
    named = [each for each in dashboard["templating"]["list"] if each["name"] == name]
    return named[0] if named else {}


def one_of(values):
    """How Grafana writes the chosen values of a variable into a regular expression."""
    escaped = [re.sub(r"([\\^$*+?.()|{}\[\]])", r"\\\\\1", value) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def expand(text, **variables):
    """The text with its variables replaced; an unknown one stays."""
    values = BUILT_IN | variables
    name = r"\$(?:(\w+)|\{(\w+)(?::\w+)?\})"
    return re.sub(name, lambda hit: values.get(hit[1] or hit[2], hit[0]), text)


def selectors(query):
    """[(metric, {label: (operator, value)})] of a PromQL query."""
    strings = []

    def keep(hit):
        strings.append(hit[1])
        return f'"{len(strings) - 1}"'

    bare = re.sub(r'"((?:[^"\\]|\\.)*)"', keep, query)
    bare = re.sub(GROUPING, " ", bare)
    bare = re.sub(r"\[[^\]]*\]", " ", bare)
    found = []
    for hit in re.finditer(r"([a-zA-Z_:][\w:]*)?\s*\{([^}]*)\}", bare):
        matchers = re.findall(r'(\w+)\s*(=~|!~|!=|=)\s*"(\d+)"', hit[2])
        found.append(
            (hit[1] or "", {key: (how, strings[int(at)]) for key, how, at in matchers})
        )
    rest = re.sub(r"([a-zA-Z_:][\w:]*)?\s*\{[^}]*\}", " ", bare)
    for hit in re.finditer(r"(?<![\w\"$])([a-zA-Z_:][\w:]*)(?!\s*\()(?![\w:\"])", rest):
        if hit[1].lower() not in KEYWORDS:
            found.append((hit[1], {}))
    return found


def template_datasource(dashboard):
    found = variable(dashboard, "datasource")
    wanted = {"type": "datasource", "query": "prometheus", "label": "Data source"}
    return [
        f"variable datasource: {key} is {found.get(key)!r}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]


def _template(dashboard, name, label):
    found = variable(dashboard, name)
    wanted = {
        "type": "query",
        "label": label,
        "multi": True,
        "allValue": ".+",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
    }
    return [
        f"variable {name}: {key} is {found.get(key)!r}"
        for key, value in wanted.items()
        if found.get(key) != value
    ]


def template_job(dashboard):
    return _template(dashboard, "job", "Job")


def template_instance(dashboard):
    return _template(dashboard, "instance", "Instance")


def _queried_variables(dashboard):
    return [each for each in dashboard["templating"]["list"] if each["type"] == "query"]


def template_label_promql(dashboard):
    form = re.compile(r"(?:label_values|query_result|label_names|metrics)\(.+\)")
    return [
        f"variable {each['name']}: {each['query']['query']}"
        for each in _queried_variables(dashboard)
        if not form.fullmatch(each["query"]["query"])
    ]


def template_on_time_change_reload(dashboard):
    return [
        f"variable {each['name']}: refresh is {each['refresh']}"
        for each in _queried_variables(dashboard)
        if each["refresh"] != 2
    ]


def panel_datasource(dashboard):
    asking = [(each["title"], each) for each in panels(dashboard)]
    asking += [(each["title"], query) for each, query in targets(dashboard)]
    asking += [(each["name"], each) for each in dashboard["annotations"]["list"]]
    wanted = {"type": "prometheus", "uid": "${datasource}"}
    return [
        f"{title}: does not ask the chosen data source"
        for title, each in asking
        if each.get("datasource") != wanted
    ]


def panel_title_description(dashboard):
    return [
        f"panel {each['id']}: no {key}"
        for each in panels(dashboard)
        for key in ("title", "description")
        if not each.get(key)
    ]


def panel_units(dashboard):
    return [
        f"{each['title']}: its unit is {unit!r}"
        for each in panels(dashboard)
        if (unit := each["fieldConfig"]["defaults"].get("unit")) not in UNITS
    ]


def panel_no_targets(dashboard):
    return [
        f"{each['title']}: no query"
        for each in panels(dashboard)
        if not each.get("targets")
    ]


def target_promql(dashboard):
    """Its form alone; that it is PromQL is for Prometheus to say."""
    return [
        f"{each['title']}: {left}"
        for each, query in targets(dashboard)
        for left in re.findall(
            r"\$\{?\w+\}?|^$", expand(query["expr"], job="", instance="")
        )
    ]


def target_rate_interval(dashboard):
    rate = re.compile(r"\b(i?rate)\s*\([^()\[\]]*\[([^\]]*)\]")
    return [
        f"{each['title']}: {hit[1]} over {hit[2]}"
        for each, query in targets(dashboard)
        for hit in rate.finditer(query["expr"])
        if hit[2] != "$__rate_interval"
    ]


def _required_matcher(dashboard, name):
    queries = [(each["title"], query["expr"]) for each, query in targets(dashboard)]
    queries += [
        (each["name"], each["expr"]) for each in dashboard["annotations"]["list"]
    ]
    return [
        f"{title}: {metric} has no {name} matcher"
        for title, expr in queries
        for metric, matchers in selectors(expr)
        if matchers.get(name) != ("=~", f"${name}")
    ]


def target_job(dashboard):
    return _required_matcher(dashboard, "job")


def target_instance(dashboard):
    return _required_matcher(dashboard, "instance")


def target_counter_agg(dashboard):
    rising = re.compile(r"\b(?:i?rate|increase)\s*\(\s*\w+_total\b[^()\[\]]*\[")
    return [
        f"{each['title']}: {metric} as it is"
        for each, query in targets(dashboard)
        for metric, _ in selectors(rising.sub("(", query["expr"]))
        if metric.endswith("_total")
    ]


def uneditable_dashboard(dashboard):
    return [] if dashboard.get("editable") is False else ["it is editable"]


def _other_languages(dashboard):
    """The rules of LogQL ask nothing of what asks Prometheus alone."""
    return [
        f"{each['title']}: asks {query['datasource']['type']}"
        for each, query in targets(dashboard)
        if query["datasource"]["type"] != "prometheus"
    ]


def target_logql(dashboard):
    return _other_languages(dashboard)


def target_logql_auto(dashboard):
    return _other_languages(dashboard)


RULES = (
    template_datasource,
    template_job,
    template_instance,
    template_label_promql,
    template_on_time_change_reload,
    panel_datasource,
    panel_title_description,
    panel_units,
    panel_no_targets,
    target_logql,
    target_logql_auto,
    target_promql,
    target_rate_interval,
    target_job,
    target_instance,
    target_counter_agg,
    uneditable_dashboard,
)
