#include "exporter/sntp_client.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {}  // namespace
}  // namespace mailcow
