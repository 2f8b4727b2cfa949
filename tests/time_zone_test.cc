#include "collectors/time_zone.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {}  // namespace
}  // namespace mailcow
