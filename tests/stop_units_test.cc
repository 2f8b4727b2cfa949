#include "collectors/stop_units.h"

#include "gtest/gtest.h"

namespace mailcow {
namespace {

TEST(StopUnits, OfNoneIsNoCommand) { EXPECT_EQ(StopUnits({}), ""); }

TEST(StopUnits, StopsAndDisablesEach) {
  EXPECT_EQ(StopUnits({{"exim4.service"}, {"dovecot.service"}}),
            "systemctl disable --now dovecot.service exim4.service");
}

TEST(StopUnits, StopsWhatIsAScriptInACommandOfItsOwn) {
  EXPECT_EQ(StopUnits({{"exim4.service", true}, {"dovecot.service", false}}),
            "systemctl disable --now dovecot.service exim4.service && "
            "systemctl stop exim4.service");
}

}  // namespace
}  // namespace mailcow
