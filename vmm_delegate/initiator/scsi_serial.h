#pragma once

#include <string>
#include <string_view>

namespace vbs::vmm_delegate {

/// VPD page 0x80, the unit serial number (SPC-4, section 7.8.15).
inline constexpr int kSerialPage = 0x80;

/// The serial number in that page, without the blanks around it; "" when the page is another one.
std::string serial_of_page(std::string_view page);

}  // namespace vbs::vmm_delegate
