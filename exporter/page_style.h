// How the page at "/" looks, and the policy that lets a browser apply just that
// and load nothing.

#ifndef EXPORTER_PAGE_STYLE_H_
#define EXPORTER_PAGE_STYLE_H_

#include <string>

#include "absl/strings/string_view.h"

namespace mailcow {

// What stands in the page's only <style>, to the byte.
absl::string_view PageStyle();

// The value of the header Content-Security-Policy that fits the page.
std::string PageContentSecurityPolicy();

}  // namespace mailcow

#endif  // EXPORTER_PAGE_STYLE_H_
