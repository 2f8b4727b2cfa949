#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "collectors/mail_service.h"

// The first line is the process's name, the rest its command line.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const auto in_container = mailcow::IsInContainer(text);
  if (!in_container.ok() && !absl::IsDataLoss(in_container.status())) {
    std::abort();
  }
  const size_t end = text.find('\n');
  const absl::string_view name = text.substr(0, end);
  const absl::string_view command_line =
      end == absl::string_view::npos ? "" : text.substr(end + 1);
  for (const mailcow::Service& service : mailcow::MailServices()) {
    // A name that no service has is none, whatever the command line says.
    if (name.empty() && IsProcessOf(service, name, command_line)) std::abort();
  }
  return 0;
}
