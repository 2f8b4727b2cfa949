#include "collectors/mailcow_project.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace mailcow {

absl::StatusOr<std::string> ProjectOf(const absl::StatusOr<MailcowConf>& conf) {
  if (!conf.ok()) return conf.status();
  return conf->Get("COMPOSE_PROJECT_NAME", "mailcowdockerized");
}

bool IsOfMailcow(const Container& container, absl::string_view project) {
  return absl::EqualsIgnoreCase(container.project, project) &&
         absl::EndsWith(container.service, "-mailcow");
}

absl::StatusOr<std::vector<Container>> MailcowContainers(
    const absl::StatusOr<MailcowConf>& conf, const DockerState& docker) {
  const absl::StatusOr<std::string> project = ProjectOf(conf);
  if (!project.ok()) return project.status();
  if (!docker.containers.ok()) {
    // Neither an engine nor a mailcow.conf: nobody has begun to install it.
    const bool is_before =
        absl::IsNotFound(docker.containers.status()) && !conf->is_present();
    if (is_before) return std::vector<Container>();
    return docker.containers.status();
  }
  std::vector<Container> containers;
  for (const Container& container : *docker.containers) {
    if (IsOfMailcow(container, *project)) containers.push_back(container);
  }
  return containers;
}

std::string StartCommand(absl::string_view directory) {
  return absl::StrCat("cd ", directory, " && docker compose up -d");
}

bool IsMailVolume(const Volume& volume, absl::string_view project) {
  return absl::EqualsIgnoreCase(volume.name,
                                absl::StrCat(project, "_vmail-vol-1"));
}

}  // namespace mailcow
