// Header fields of an HTTP message: names and values.

#ifndef EXPORTER_HEADERS_H_
#define EXPORTER_HEADERS_H_

#include <string>
#include <utility>
#include <vector>

namespace mailcow {

using Headers = std::vector<std::pair<std::string, std::string>>;

}  // namespace mailcow

#endif  // EXPORTER_HEADERS_H_
