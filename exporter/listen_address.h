// Addresses to serve on, as flags name them.

#ifndef EXPORTER_LISTEN_ADDRESS_H_
#define EXPORTER_LISTEN_ADDRESS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mailcow {

// InvalidArgument for what is none of "127.0.0.1:9025", "[::1]:9025" and
// ":9025", which is every address of both families.
absl::Status CheckListenAddress(absl::string_view address);

// Whether only programs of this machine can reach it. `address` is valid.
bool IsLoopback(absl::string_view address);

}  // namespace mailcow

#endif  // EXPORTER_LISTEN_ADDRESS_H_
