#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "exporter/recorded_kernel.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto kernel = mailcow::RecordedKernel::Parse(
      {reinterpret_cast<const char*>(data), size});
  if (!kernel.ok()) {
    if (!absl::IsInvalidArgument(kernel.status())) std::abort();
    return 0;
  }
  // What is recorded is a number, whatever its size.
  const auto steps = kernel->ClockSteps();
  if (steps.ok() && !std::isfinite(*steps)) std::abort();
  if (!kernel->Now().ok() && !absl::IsUnavailable(kernel->Now().status())) {
    std::abort();
  }
  const auto listeners = kernel->Listeners();
  if (!listeners.ok()) return 0;
  if (kernel->OwnersOf(*listeners).size() != listeners->size()) std::abort();
  return 0;
}
