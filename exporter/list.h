// The table of requirements, printed from their declarations: `list`.

#ifndef EXPORTER_LIST_H_
#define EXPORTER_LIST_H_

#include <string>

#include "exporter/survey.h"

namespace mailcow {

// A Markdown table, the one that README shows.
std::string RenderList(const Collectors& collectors);

}  // namespace mailcow

#endif  // EXPORTER_LIST_H_
