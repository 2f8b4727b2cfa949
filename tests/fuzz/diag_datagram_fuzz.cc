// The kernel is trusted to mean well, not the bytes to be whole.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/sock_diag.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto datagram =
      mailcow::ParseDiagDatagram({reinterpret_cast<const char*>(data), size});
  // Each listener takes more than its address.
  if (datagram.ok() && datagram->listeners.size() * 16 > size) std::abort();
  return 0;
}
