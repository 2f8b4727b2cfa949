#include "exporter/clock_steps.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {}  // namespace
}  // namespace mailcow
