#include "exporter/sntp_packet.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {}  // namespace
}  // namespace mailcow
