#include "collectors/timesyncd_conf.h"

#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace mailcow {
namespace {

// A file in an earlier one hides those of its name in later ones.
constexpr absl::string_view kDirectories[] = {
    "/etc/systemd", "/run/systemd", "/usr/local/lib/systemd",
    "/usr/lib/systemd", "/lib/systemd"};

std::vector<std::string> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t"), absl::SkipEmpty());
}

// The lines of systemd.syntax(7) without the comments, which neither end a line
// that a backslash continues nor are continued.
std::vector<std::string> Lines(absl::string_view text) {
  std::vector<std::string> lines;
  std::string joined;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    const absl::string_view words = absl::StripLeadingAsciiWhitespace(line);
    if (absl::StartsWith(words, "#") || absl::StartsWith(words, ";")) continue;
    const bool goes_on = absl::ConsumeSuffix(&line, "\\");
    absl::StrAppend(&joined, line, goes_on ? " " : "");
    if (!goes_on) lines.push_back(std::exchange(joined, ""));
  }
  lines.push_back(std::move(joined));
  return lines;
}

// As systemd's lists have it: what is empty takes all back.
void Assign(absl::string_view value, std::vector<std::string>& list) {
  if (value.empty()) list.clear();
  for (std::string& word : Words(value)) list.push_back(std::move(word));
}

// The drop-ins in force, in the order in which systemd reads them: by name.
absl::StatusOr<std::map<std::string, std::string>> FindDropIns(
    const Files& files) {
  std::map<std::string, std::string> paths;
  for (const absl::string_view directory : kDirectories) {
    const std::string drop_ins = absl::StrCat(directory, "/timesyncd.conf.d");
    const auto names = files.List(drop_ins);
    if (absl::IsNotFound(names.status())) continue;
    if (!names.ok()) return names.status();
    for (const std::string& name : *names) {
      if (name[0] == '.' || !absl::EndsWith(name, ".conf")) continue;
      paths.emplace(name, absl::StrCat(drop_ins, "/", name));
    }
  }
  return paths;
}

// Empty where the file is masked, or not there.
absl::StatusOr<std::string> ReadUnlessMasked(const Files& files,
                                             const std::string& path) {
  if (files.ReadLink(path).value_or("") == "/dev/null") return "";
  absl::StatusOr<std::string> text = files.Read(path);
  if (absl::IsNotFound(text.status())) return "";
  return text;
}

absl::StatusOr<std::string> MainFile(const Files& files) {
  for (const absl::string_view directory : kDirectories) {
    const std::string path = absl::StrCat(directory, "/timesyncd.conf");
    const absl::StatusOr<bool> exists = files.Exists(path);
    if (!exists.ok()) return exists.status();
    if (*exists) return path;
  }
  return "";
}

absl::StatusOr<TimesyncdConf> ReadConf(const Files& files) {
  const absl::StatusOr<std::string> main = MainFile(files);
  if (!main.ok()) return main.status();
  const auto drop_ins = FindDropIns(files);
  if (!drop_ins.ok()) return drop_ins.status();
  std::vector<std::string> paths;
  if (!main->empty()) paths.push_back(*main);
  for (const auto& [name, path] : *drop_ins) paths.push_back(path);
  TimesyncdConf conf;
  for (const std::string& path : paths) {
    const absl::StatusOr<std::string> text = ReadUnlessMasked(files, path);
    if (!text.ok()) return text.status();
    AddTimesyncdConf(*text, path, conf);
  }
  return conf;
}

// What DHCP told systemd-networkd, which passes it on.
std::vector<std::string> NetworkServers(const Files& files) {
  const std::string state = files.Read("/run/systemd/netif/state").value_or("");
  for (absl::string_view line : absl::StrSplit(state, '\n')) {
    if (absl::ConsumePrefix(&line, "NTP=")) return Words(line);
  }
  return {};
}

}  // namespace

void AddTimesyncdConf(absl::string_view text, absl::string_view path,
                      TimesyncdConf& conf) {
  bool is_in_section = false;
  for (const std::string& joined : Lines(text)) {
    const absl::string_view line = absl::StripAsciiWhitespace(joined);
    if (line.empty()) continue;
    if (line[0] == '[') is_in_section = line == "[Time]";
    const size_t equals = line.find('=');
    if (!is_in_section || equals == absl::string_view::npos) continue;
    const absl::string_view key =
        absl::StripAsciiWhitespace(line.substr(0, equals));
    const absl::string_view value =
        absl::StripAsciiWhitespace(line.substr(equals + 1));
    if (key == "NTP" || key == "Servers") Assign(value, conf.ntp);
    if (key == "Servers" && !value.empty()) {
      conf.outdated_file = std::string(path);
    }
    if (key != "FallbackNTP") continue;
    Assign(value, conf.fallback);
    conf.has_fallback = true;
  }
}

absl::StatusOr<TimeSources> ReadTimesyncdSources(const Files& files) {
  const absl::StatusOr<TimesyncdConf> conf = ReadConf(files);
  if (!conf.ok()) return conf.status();
  TimeSources sources;
  for (const std::string& name : conf->ntp) sources.AddServer(name);
  for (const std::string& name : NetworkServers(files)) sources.AddServer(name);
  if (sources.servers.empty()) {
    for (const std::string& name : conf->fallback) sources.AddServer(name);
  }
  if (sources.servers.empty()) {
    sources.why_none = conf->has_fallback
                           ? "NTP= and FallbackNTP= are empty"
                           : "NTP= is empty: systemd-timesyncd asks the "
                             "servers that it was built with";
  }
  if (!conf->outdated_file.empty()) {
    sources.outdated = absl::StrCat(conf->outdated_file,
                                    " calls NTP= by its old name, Servers=");
    sources.update =
        absl::StrCat("in ", conf->outdated_file,
                     ", write NTP= instead of Servers=, then run systemctl "
                     "restart systemd-timesyncd");
  }
  return sources;
}

}  // namespace mailcow
