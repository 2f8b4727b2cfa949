#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "collectors/port_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto conf =
      mailcow::MailcowConf::Parse({reinterpret_cast<const char*>(data), size});
  if (!conf.ok()) return 0;
  const auto addresses = [] {
    return std::vector<mailcow::IpAddress>{
        *mailcow::ParseIpAddress("192.0.2.1")};
  };
  for (const mailcow::PortDefinition& port : mailcow::PortDefinitions()) {
    const mailcow::PortValue value =
        mailcow::ParsePortValue(port, *conf, addresses);
    if (value.bind.ok() && value.bind->port == 0) std::abort();
    // What asks for no port is never without a complaint.
    if (!value.bind.ok() && value.complaint.value_or("").empty()) std::abort();
  }
  return 0;
}
