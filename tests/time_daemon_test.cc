#include "collectors/time_daemon.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {}  // namespace
}  // namespace mailcow
