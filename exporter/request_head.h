// Whether the head of an HTTP request is one that everybody reads in the same
// way. A proxy and a server that read it differently let requests be smuggled
// past the proxy, so whatever is ambiguous is refused (RFC 9112, section 11.2).

#ifndef EXPORTER_REQUEST_HEAD_H_
#define EXPORTER_REQUEST_HEAD_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace mailcow {

// `head` is all bytes up to the empty line that ends it, that one included.
// InvalidArgument says what is wrong with it.
absl::Status CheckRequestHead(absl::string_view head);

}  // namespace mailcow

#endif  // EXPORTER_REQUEST_HEAD_H_
