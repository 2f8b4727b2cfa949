// The mail services that interfere with mailcow when they run on the host.

#ifndef COLLECTORS_MAIL_SERVICE_H_
#define COLLECTORS_MAIL_SERVICE_H_

#include "absl/types/span.h"
#include "collectors/service.h"

namespace mailcow {

absl::Span<const Service> MailServices();

}  // namespace mailcow

#endif  // COLLECTORS_MAIL_SERVICE_H_
