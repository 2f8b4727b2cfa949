// mailcow as Compose runs it: which of Docker's containers and volumes are its
// own. Containers are recognised by labels, never by name.

#ifndef COLLECTORS_MAILCOW_PROJECT_H_
#define COLLECTORS_MAILCOW_PROJECT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "collectors/docker_state.h"
#include "collectors/mailcow_conf.h"

namespace mailcow {

// The Compose project that mailcow.conf names.
absl::StatusOr<std::string> ProjectOf(const absl::StatusOr<MailcowConf>& conf);

// Whether `container` is one of mailcow's services in `project`.
bool IsOfMailcow(const Container& container, absl::string_view project);

// mailcow's containers, running or not; none before it is installed. An error
// where that cannot be told.
absl::StatusOr<std::vector<Container>> MailcowContainers(
    const absl::StatusOr<MailcowConf>& conf, const DockerState& docker);

// The command that starts what is missing of mailcow, which lies in
// `directory`.
std::string StartCommand(absl::string_view directory);

// Whether `volume` holds the mail of `project`.
bool IsMailVolume(const Volume& volume, absl::string_view project);

}  // namespace mailcow

#endif  // COLLECTORS_MAILCOW_PROJECT_H_
