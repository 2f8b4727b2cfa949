#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>

#include "collectors/chrony_conf.h"
#include "collectors/ntp_conf.h"
#include "collectors/time_server.h"
#include "collectors/timesyncd_conf.h"
#include "tests/fake_host.h"

namespace {

void Check(const mailcow::TimeSources& sources) {
  std::set<std::string> seen;
  for (const std::string& server : sources.servers) {
    if (!mailcow::ParseTimeServer(server).ok()) std::abort();
    if (!seen.insert(server).second) std::abort();
  }
  if (sources.reference_clocks < 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);

  mailcow::TimesyncdConf conf;
  mailcow::AddTimesyncdConf(text, "/etc/systemd/timesyncd.conf", conf);
  mailcow::TimeSources timesyncd;
  for (const auto* list : {&conf.ntp, &conf.fallback}) {
    for (const std::string& name : *list) timesyncd.AddServer(name);
  }
  Check(timesyncd);

  mailcow::TimeSources ntp;
  mailcow::AddNtpConf(text, ntp);
  Check(ntp);

  // Through files it is slow: for what begins with a comment of chrony.conf.
  if (size == 0 || data[0] != '!') return 0;
  static const mailcow::FakeRoot root;
  root.Write("/etc/chrony/chrony.conf", text);
  const auto chrony = mailcow::ReadChronySources(root.files());
  if (chrony.ok()) Check(*chrony);
  return 0;
}
