"""The dashboards of grafana/: their form, and what a real Prometheus answers them.

Prometheus scrapes the program as it plays every recorded host, and as it looks at
the machine of the test, with the configuration and the rules of deploy/prometheus.
"""

import collections
import copy
import pathlib
import re
import shutil
import tempfile
import time
import unittest

import dashboards
import fleet
import monitoring
import program

DASHBOARDS = dashboards.load()
HOST = DASHBOARDS["mailcow-host"]
HOSTS = DASHBOARDS["mailcow-hosts"]

PROVISIONING = dashboards.GRAFANA / "provisioning"
PATH_VARIABLE = "MAILCOW_HOST_DASHBOARDS"

DAY = 24 * 3600
GIB = 1 << 30


def free_space(path):
    labels = f'job="mailcow_host",instance="filling",path="{path}"'
    return f"mailcow_host_disk_available_bytes{{{labels}}}"


# Series that are made by Prometheus, not by the exporter.
OF_PROMETHEUS = {"up", "ALERTS"}


def first_query(dashboard):
    return dashboard["panels"][-1]["targets"][0]


def ask(query):
    return lambda dashboard: first_query(dashboard).update(expr=query)


def vary(which, **changes):
    return lambda dashboard: dashboards.variable(dashboard, which).update(changes)


def in_last_panel(**changes):
    return lambda dashboard: dashboard["panels"][-1].update(changes)


# One way to break each rule.
FAULTS = {
    dashboards.template_datasource: vary("datasource", name="source"),
    dashboards.template_job: vary("job", multi=False),
    dashboards.template_instance: vary("instance", allValue=".*"),
    dashboards.template_label_promql: vary("job", query={"query": "labels(up, job)"}),
    dashboards.template_on_time_change_reload: vary("instance", refresh=1),
    dashboards.panel_datasource: in_last_panel(datasource={"uid": "mine"}),
    dashboards.panel_title_description: in_last_panel(description=""),
    dashboards.panel_units: in_last_panel(fieldConfig={"defaults": {}}),
    dashboards.panel_no_targets: in_last_panel(targets=[]),
    dashboards.target_logql: lambda each: first_query(each).update(
        datasource={"type": "loki", "uid": "${datasource}"}
    ),
    dashboards.target_logql_auto: lambda each: first_query(each).update(
        datasource={"type": "loki", "uid": "${datasource}"}
    ),
    dashboards.target_promql: ask("up > $limit"),
    dashboards.target_rate_interval: ask("rate(a_total[5m])"),
    dashboards.target_job: ask('up{instance=~"$instance"}'),
    dashboards.target_instance: ask('up{job=~"$job", instance="$instance"}'),
    dashboards.target_counter_agg: ask("sum by (job) (a_total)"),
    dashboards.uneditable_dashboard: lambda each: each.pop("editable"),
}


class LinterTest(unittest.TestCase):
    def test_each_dashboard_keeps_each_rule(self):
        for uid, dashboard in DASHBOARDS.items():
            for rule in dashboards.RULES:
                with self.subTest(dashboard=uid, rule=rule.__name__):
                    self.assertEqual([], rule(dashboard))

    def test_each_rule_finds_what_breaks_it(self):
        self.assertEqual(set(dashboards.RULES), set(FAULTS))
        self.assertEqual(17, len(dashboards.RULES))
        for rule, spoil in FAULTS.items():
            with self.subTest(rule.__name__):
                spoiled = copy.deepcopy(HOST)
                spoil(spoiled)
                self.assertNotEqual([], rule(spoiled))


class SelectorsTest(unittest.TestCase):
    def test_each_selector_is_found_with_its_matchers(self):
        found = dashboards.selectors(
            'sum by (job) (rate(a_total{b!="}", c=~"x{1}"}[5m])) / on (job) d unless e'
        )
        matchers = {"b": ("!=", "}"), "c": ("=~", "x{1}")}
        self.assertCountEqual([("a_total", matchers), ("d", {}), ("e", {})], found)

    def test_functions_keywords_and_strings_are_no_selectors(self):
        self.assertEqual(
            [],
            dashboards.selectors(
                'label_replace(vector(1) > bool 0, "up", "a", "", "")'
            ),
        )


class FormTest(unittest.TestCase):
    def each_panel(self):
        for uid, dashboard in DASHBOARDS.items():
            for panel in dashboards.panels(dashboard):
                with self.subTest(dashboard=uid, panel=panel["title"]):
                    yield panel

    def test_the_uid_is_the_name_of_the_file(self):
        self.assertEqual(["mailcow-host", "mailcow-hosts"], list(DASHBOARDS))
        for name, dashboard in DASHBOARDS.items():
            self.assertEqual(name, dashboard["uid"])

    def test_the_schema_is_one_that_grafana_9_to_12_read(self):
        for dashboard in DASHBOARDS.values():
            self.assertIn(dashboard["schemaVersion"], range(36, 40))

    def test_panels_have_ids_of_their_own_and_do_not_overlap(self):
        for uid, dashboard in DASHBOARDS.items():
            with self.subTest(uid):
                ids = [panel["id"] for panel in dashboard["panels"]]
                self.assertEqual(len(ids), len(set(ids)))
                cells = collections.Counter(
                    (x, y)
                    for panel in dashboard["panels"]
                    if (at := panel["gridPos"])
                    for x in range(at["x"], at["x"] + at["w"])
                    for y in range(at["y"], at["y"] + at["h"])
                )
                self.assertEqual(1, max(cells.values()))
                self.assertEqual(23, max(x for x, _ in cells))

    def test_each_query_of_a_panel_has_a_letter_of_its_own(self):
        for panel in self.each_panel():
            names = [query["refId"] for query in panel["targets"]]
            self.assertEqual(len(names), len(set(names)))

    def test_what_is_overridden_is_there(self):
        for panel in self.each_panel():
            names = {query["refId"] for query in panel["targets"]}
            for override in panel["fieldConfig"]["overrides"]:
                if override["matcher"]["id"] == "byFrameRefID":
                    self.assertIn(override["matcher"]["options"], names)

    def test_no_limit_is_a_number(self):
        for panel in self.each_panel():
            fields = panel["fieldConfig"]
            properties = [
                {"id": key, "value": value} for key, value in fields["defaults"].items()
            ]
            for override in fields["overrides"]:
                properties += override["properties"]
            for each in properties:
                if each["id"] == "thresholds":
                    [step] = each["value"]["steps"]
                    self.assertIsNone(step["value"])
                if each["id"] == "mappings":
                    self.assertEqual(["value"], [one["type"] for one in each["value"]])

    def test_limits_are_dashed_lines_of_what_the_exporter_says(self):
        limits = 0
        for panel in self.each_panel():
            for query in panel["targets"]:
                if "_limit_" not in query["expr"]:
                    continue
                limits += 1
                properties = {
                    each["id"]: each["value"]
                    for override in panel["fieldConfig"]["overrides"]
                    if override["matcher"]["options"] == query["refId"]
                    for each in override["properties"]
                }
                self.assertEqual("dash", properties["custom.lineStyle"]["fill"])
                self.assertTrue(query["legendFormat"].startswith("limit"))
        self.assertEqual(6, limits)

    def test_verdicts_are_told_in_words(self):
        for title in (
            "History of required verdicts",
            "History of recommended verdicts",
        ):
            panel = dashboards.panel(HOST, title)
            [mapping] = panel["fieldConfig"]["defaults"]["mappings"]
            words = {key: each["text"] for key, each in mapping["options"].items()}
            self.assertEqual({"0": "unmet", "1": "unknown", "2": "met"}, words)

    def test_a_panel_without_data_says_what_that_means(self):
        for panel in self.each_panel():
            if (
                panel["type"] == "table"
                or "mappings" in panel["fieldConfig"]["defaults"]
            ):
                self.assertTrue(panel["fieldConfig"]["defaults"]["noValue"])

    def test_an_empty_cell_of_a_table_does_not_read_as_an_empty_table(self):
        for panel in self.each_panel():
            if panel["type"] == "table":
                first = panel["fieldConfig"]["overrides"][0]
                self.assertEqual("/.*/", first["matcher"]["options"])
                self.assertEqual([{"id": "noValue", "value": "-"}], first["properties"])

    def test_columns_that_are_sorted_by_are_there(self):
        for panel in self.each_panel():
            if panel["type"] != "table":
                continue
            organized = panel["transformations"][-1]["options"]
            shown = set(organized["indexByName"]) - set(organized["excludeByName"])
            for override in panel["fieldConfig"]["overrides"]:
                for each in override["properties"]:
                    if each["id"] == "displayName":
                        shown.add(each["value"])
            for by in panel["options"]["sortBy"]:
                self.assertIn(by["displayName"], shown)


class LinksTest(unittest.TestCase):
    def each_url(self):
        for uid, dashboard in DASHBOARDS.items():
            yield from ((uid, each["url"]) for each in dashboard["links"])
            for panel in dashboards.panels(dashboard):
                for override in panel["fieldConfig"]["overrides"]:
                    for each in override["properties"]:
                        if each["id"] == "links":
                            yield from ((uid, link["url"]) for link in each["value"])

    def test_each_leads_to_a_dashboard_and_sets_variables_that_it_has(self):
        for uid, url in self.each_url():
            with self.subTest(dashboard=uid, url=url):
                path, _, query = url.partition("?")
                target = DASHBOARDS[path.removeprefix("/d/")]
                for part in query.split("&"):
                    if name := re.match(r"var-(\w+)=", part):
                        self.assertTrue(dashboards.variable(target, name[1]))
                for name in re.findall(r"\$\{(?!__)(\w+)", query):
                    self.assertTrue(dashboards.variable(DASHBOARDS[uid], name))

    def test_the_dashboards_lead_to_each_other(self):
        ways = {(uid, url.partition("?")[0]) for uid, url in self.each_url()}
        self.assertEqual(
            {
                ("mailcow-host", "/d/mailcow-hosts"),
                ("mailcow-hosts", "/d/mailcow-host"),
            },
            ways,
        )

    def test_a_row_of_hosts_leads_to_that_host(self):
        for title in ("Hosts, the worst first", "Disk days left"):
            panel = dashboards.panel(HOSTS, title)
            [url] = [
                link["url"]
                for override in panel["fieldConfig"]["overrides"]
                if override["matcher"]["options"] == "instance"
                for each in override["properties"]
                for link in each["value"]
            ]
            for label in ("job", "instance"):
                self.assertIn(
                    f"var-{label}=${{__data.fields.{label}:percentencode}}", url
                )
            # Under these names, as Prometheus returns them.
            organized = panel["transformations"][-1]["options"]
            self.assertEqual({}, organized["renameByName"])


class ProvisioningTest(unittest.TestCase):
    @staticmethod
    def values(file, key):
        return re.findall(rf"^[\s-]*{key}: (\S+)$", file.read_text(), re.MULTILINE)

    def test_the_data_source_is_the_prometheus_of_deploy(self):
        file = PROVISIONING / "datasources" / "prometheus.yml"
        configuration = monitoring.PROMETHEUS_CONFIGURATION
        [url] = self.values(file, "url")
        self.assertIn(f'"{url.removeprefix("http://")}"', configuration.read_text())
        self.assertEqual(
            self.values(configuration, "scrape_interval")[0],
            self.values(file, "timeInterval")[0],
        )

    def test_the_directory_of_the_dashboards_comes_from_the_environment(self):
        file = PROVISIONING / "dashboards" / "mailcow.yml"
        self.assertEqual([f"${PATH_VARIABLE}"], self.values(file, "path"))


@unittest.skipUnless(shutil.which("prometheus"), "Prometheus is not installed")
class QueriesTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.ports = program.write_mailcow_conf(directory)
        own, silent, nobody = program.free_ports(13)[-3:]
        # Of the machine of the test; it asks no server of the internet.
        arguments = {
            "here": [f"--mailcow.dir={directory}", "--no-collector.time_servers"]
        }
        for machine in sorted(fleet.HOSTS.iterdir()):
            arguments[machine.name] = fleet.flags(machine.name)
        cls.serving = {
            name: cls.enterClassContext(program.Serving(*each))
            for name, each in arguments.items()
        }
        cls.instances = {
            name: f"127.0.0.1:{each.port}" for name, each in cls.serving.items()
        }
        cls.instances["down"] = f"127.0.0.1:{silent}"
        cls.enterClassContext(program.listen("127.0.0.1", cls.ports["SMTP_PORT"]))
        fleet.write_configuration(directory, own, nobody, cls.instances.values())
        prometheus = fleet.Prometheus(directory, own)
        cls.backfill(prometheus)
        cls.prometheus = cls.enterClassContext(prometheus)
        for each in cls.serving.values():
            each.settled_scrape()
        cls.started = time.time()
        program.wait_for(cls.has_everything)

    @staticmethod
    def backfill(prometheus):
        """A day of disks of which a GiB was used, and of others."""
        now = int(time.time())
        gib_a_day = {
            "/data": (5, -1),
            "/srv": (2, -1),
            "/archive": (5000, -1),
            "/backup": (9, -1),
            "/steady": (5, 0),
            "/emptied": (5, 1),
        }
        prometheus.backfill(
            {
                free_space(path): [
                    (at, (gib - change * (now - at) / DAY) * GIB)
                    for at in range(now - DAY, now + 1, 300)
                ]
                for path, (gib, change) in gib_a_day.items()
            }
        )

    @classmethod
    def has_everything(cls):
        """Prometheus has two settled scrapes of each exporter, and alerts fire."""
        since_start = f"{int(time.time() - cls.started)}s"
        if since_start == "0s":
            return False
        scrapes = cls.prometheus.query(
            "min(count_over_time(mailcow_host_ready"
            f"[{since_start}])) > 2 and count(up) == {len(cls.instances) + 2}"
        )
        return scrapes and cls.prometheus.query(
            'ALERTS{alertname="MailcowHostRequirementUnmet",alertstate="firing"}'
        )

    def expand(self, text, *names):
        instances = [self.instances[name] for name in names]
        return dashboards.expand(
            text,
            job="mailcow_host",
            instance=dashboards.one_of(instances) if instances else ".+",
        )

    def answer(self, query, *names):
        """What the target of a panel is answered: [(labels, value)], the last value."""
        expression = self.expand(query["expr"], *names)
        if query["instant"]:
            return self.prometheus.query(expression)
        now = time.time()
        return [
            (labels, values[-1])
            for labels, values in self.prometheus.history(expression, now - 10, now, 1)
        ]

    def rows(self, dashboard, title, *names, ref="A"):
        panel = dashboards.panel(dashboard, title)
        [query] = [each for each in panel["targets"] if each["refId"] == ref]
        return self.answer(query, *names)

    def value(self, dashboard, title, *names, ref="A"):
        [(_, value)] = self.rows(dashboard, title, *names, ref=ref)
        return value

    def test_each_metric_is_one_that_the_exporter_serves(self):
        served = {
            series.partition("{")[0]
            for each in self.serving.values()
            for series in each.samples()
        }
        for uid, dashboard in DASHBOARDS.items():
            for panel, query in dashboards.targets(dashboard):
                for metric, _ in dashboards.selectors(query["expr"]):
                    with self.subTest(dashboard=uid, panel=panel["title"]):
                        self.assertIn(metric, served | OF_PROMETHEUS)

    def test_each_query_has_an_answer(self):
        for dashboard, names in ((HOST, ["mailcow-hijacked"]), (HOSTS, [])):
            for panel, query in dashboards.targets(dashboard):
                with self.subTest(panel=panel["title"], query=query["refId"]):
                    self.assertTrue(self.answer(query, *names))

    def test_no_query_fails_on_any_host_or_on_several(self):
        for names in [[name] for name in self.instances] + [list(self.instances)]:
            for dashboard in DASHBOARDS.values():
                for panel, query in dashboards.targets(dashboard):
                    with self.subTest(hosts=names, panel=panel["title"]):
                        self.answer(query, *names)

    def test_each_legend_names_labels_that_are_there(self):
        for dashboard, names in ((HOST, ["mailcow-hijacked"]), (HOSTS, [])):
            for panel, query in dashboards.targets(dashboard):
                for label in re.findall(
                    r"\{\{(\w+)\}\}", query.get("legendFormat", "")
                ):
                    for labels, _ in self.answer(query, *names):
                        with self.subTest(panel=panel["title"]):
                            self.assertIn(label, labels)

    def test_each_column_is_a_label_or_the_value(self):
        for dashboard in DASHBOARDS.values():
            for panel in dashboards.panels(dashboard):
                if panel["type"] != "table":
                    continue
                answers = [self.answer(query) for query in panel["targets"]]
                there = {
                    key for rows in answers for labels, _ in rows for key in labels
                }
                organized = panel["transformations"][-1]["options"]
                with self.subTest(panel["title"]):
                    columns = set(organized["indexByName"])
                    shown = {name for name in columns if not name.startswith("Value")}
                    self.assertLessEqual(shown, there)
                    hidden = set(organized["excludeByName"])
                    self.assertLessEqual(there, columns | hidden)

    def test_the_job_variable_offers_only_jobs_of_the_exporter(self):
        self.assertEqual(
            {"mailcow_host", "prometheus", "alertmanager"}, self.jobs("up")
        )
        for dashboard in DASHBOARDS.values():
            query = dashboards.variable(dashboard, "job")["query"]["query"]
            metric = re.fullmatch(r"label_values\((.+), job\)", query)[1]
            self.assertEqual({"mailcow_host"}, self.jobs(metric))

    def jobs(self, metric):
        return {labels["job"] for labels, _ in self.prometheus.query(metric)}

    def test_the_instance_variable_offers_hosts_whose_exporter_is_down(self):
        for dashboard in DASHBOARDS.values():
            query = dashboards.variable(dashboard, "instance")["query"]["query"]
            metric = re.fullmatch(r"label_values\((.+), instance\)", query)[1]
            found = self.prometheus.query(self.expand(metric))
            self.assertEqual(
                set(self.instances.values()),
                {labels["instance"] for labels, _ in found},
            )

    def test_a_host_is_ready_or_not_or_its_exporter_is_down(self):
        said = {
            name: self.value(HOST, "Fit for mailcow", name) for name in self.instances
        }
        self.assertEqual(1, said["healthy"])
        self.assertEqual(0, said["mailcow-hijacked"])
        self.assertEqual(0, said["nothing-readable"])
        self.assertEqual(-1, said["down"])

    def unmet(self, name):
        return {
            (
                labels["requirement"],
                labels.get("subject", ""),
                labels["level"],
                value,
            ): labels.get("remedy")
            for labels, value in self.rows(
                HOST, "What is unmet or unknown, and what to do", name
            )
        }

    def test_all_that_is_unmet_is_listed_with_what_to_do(self):
        for name in ("mailcow-hijacked", "debian-with-exim", "one-gib-vm"):
            with self.subTest(name):
                wanted = {
                    (*key, -1 if met is None else 0)
                    for key, met in fleet.verdicts(name).items()
                    if not met
                }
                fleet.assert_comes(
                    self, wanted, lambda name=name: set(self.unmet(name))
                )
                self.assertNotIn(None, self.unmet(name).values())

    def test_a_healthy_host_has_nothing_to_do(self):
        self.assertEqual({}, self.unmet("healthy"))
        for ref in "ABC":
            self.assertEqual(0, self.value(HOST, "Verdicts", "healthy", ref=ref))

    def test_of_an_unreadable_host_everything_is_listed_as_unknown(self):
        found = self.unmet("nothing-readable")
        self.assertEqual({-1}, {value for *_, value in found})
        self.assertEqual(len(fleet.verdicts("nothing-readable")), len(found))
        self.assertEqual(
            len(found), self.value(HOST, "Verdicts", "nothing-readable", ref="C")
        )
        # That it is all unknown does not read as if nothing were unmet.
        self.assertEqual([], self.rows(HOST, "Verdicts", "nothing-readable"))

    def owners(self, name):
        return {
            (
                labels["port"],
                labels["service"],
                labels["process"],
                labels.get("address"),
            ): value
            for labels, value in self.rows(HOST, "Ports and their owners", name)
        }

    def test_each_listener_on_a_port_is_listed_with_its_process(self):
        found = self.owners("mailcow-hijacked")
        self.assertEqual(2, found[("25", "smtp", "exim4", "127.0.0.1")])
        self.assertEqual(2, found[("25", "smtp", "exim4", "::1")])
        self.assertEqual(0, found[("143", "imap", "docker-proxy", "0.0.0.0")])
        listeners = sum(
            metric == "mailcow_host_port_listener_info"
            for metric, _, _ in fleet.golden("mailcow-hijacked")
        )
        self.assertEqual(listeners, sum(address is not None for *_, address in found))

    def test_a_port_on_which_nobody_listens_is_listed(self):
        self.assertEqual(
            0, self.owners("mailcow-hijacked")[("465", "smtps", "nobody", None)]
        )

    def test_an_owner_without_a_name_is_listed(self):
        processes = {
            process for name in self.serving for _, _, process, _ in self.owners(name)
        }
        self.assertIn("a process of unknown name", processes)
        self.assertNotIn("", processes)

    def test_a_listener_of_this_machine_is_listed(self):
        port = str(self.ports["SMTP_PORT"])
        [value] = [
            value
            for (listed, service, _, address), value in self.owners("here").items()
            if (listed, service, address) == (port, "smtp", "127.0.0.1")
        ]
        self.assertEqual(1, value)

    def test_limit_lines_are_at_the_limits(self):
        def limits(title, ref="limit"):
            rows = self.rows(HOST, title, "mailcow-hijacked", ref=ref)
            return {labels.get("level"): value for labels, value in rows}

        def said(metric):
            return {
                labels["level"]: value
                for name, labels, value in fleet.golden("mailcow-hijacked")
                if name == metric
            }

        self.assertEqual(said("mailcow_host_memory_limit_bytes"), limits("Memory"))
        self.assertEqual(said("mailcow_host_swap_limit_bytes"), limits("Swap"))
        self.assertEqual(said("mailcow_host_disk_limit_bytes"), limits("Disk"))
        self.assertEqual({"required": 1}, limits("Clock offset"))
        self.assertEqual({"required": -1}, limits("Clock offset", "limit_ahead"))

    def test_the_history_of_a_requirement_is_its_worst_verdict(self):
        def history(name, level):
            rows = self.rows(HOST, f"History of {level} verdicts", name)
            return {labels["requirement"]: value for labels, value in rows}

        for name in ("healthy", "mailcow-hijacked", "bound-addresses"):
            for level in ("required", "recommended"):
                worst = {}
                for (requirement, _, of_level), met in fleet.verdicts(name).items():
                    if of_level == level:
                        value = {True: 2, None: 1, False: 0}[met]
                        worst[requirement] = min(worst.get(requirement, 2), value)
                with self.subTest(host=name, level=level):
                    fleet.assert_comes(
                        self,
                        worst,
                        lambda name=name, level=level: history(name, level),
                    )

    def test_alerts_of_the_host_are_annotations(self):
        def alerts(name):
            [annotation] = HOST["annotations"]["list"]
            found = self.prometheus.query(self.expand(annotation["expr"], name))
            self.assertEqual(
                {self.instances[name]} if found else set(),
                {labels["instance"] for labels, _ in found},
            )
            return {
                (labels["alertname"], labels.get("requirement"), labels.get("subject"))
                for labels, _ in found
            }

        wanted = ("MailcowHostRequirementUnmet", "port_foreign_listeners", "25")
        self.assertIn(wanted, alerts("mailcow-hijacked"))
        self.assertEqual(set(), alerts("healthy"))

    def test_disks_that_fill_up_are_listed_the_first_to_be_full_first(self):
        left = [
            (labels["path"], round(value))
            for labels, value in self.rows(HOSTS, "Disk days left")
            if labels["instance"] == "filling"
        ]
        wanted = [
            ("/srv", 2),
            ("/data", 5),
            ("/backup", 9),
            # Later than in a year is not told apart.
            ("/archive", 365),
        ]
        self.assertEqual(wanted, left)

    def test_hosts_with_the_worst_verdict_of_each(self):
        worst = {
            labels["instance"]: value
            for labels, value in self.rows(HOSTS, "Hosts, the worst first")
        }
        panel = dashboards.panel(HOSTS, "Hosts, the worst first")
        [words] = [
            each["value"][0]["options"]
            for override in panel["fieldConfig"]["overrides"]
            if override["matcher"]["options"] == "Value #A"
            for each in override["properties"]
            if each["id"] == "mappings"
        ]
        said = {
            name: words[str(int(worst.pop(instance)))]["text"]
            for name, instance in self.instances.items()
        }
        self.assertEqual({}, worst)
        self.assertEqual("exporter is down", said["down"])
        self.assertEqual("all met", said["healthy"])
        self.assertEqual("recommended unmet", said["mailcow-running"])
        self.assertEqual("required unmet", said["mailcow-hijacked"])
        self.assertEqual("required unknown", said["nothing-readable"])


if __name__ == "__main__":
    program.main()
