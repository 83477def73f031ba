#pragma once

#include <string>
#include <string_view>

namespace vbs::vmm_delegate {

/// VPD page 0x80, the unit serial number (SPC-4, section 7.8.15).
inline constexpr int kSerialPage = 0x80;

/// The serial number in that page, without the blanks around it; "" when the page is another one.
std::string serial_of_page(std::string_view page);

/// Whether an answer to INQUIRY says that the target has no such logical unit: by its peripheral
/// qualifier, 011b (SPC-4, section 6.4.2).
bool tells_no_unit(std::string_view answer);

/// Whether sense data of either format say so: LOGICAL UNIT NOT SUPPORTED (SPC-4, sections 4.5 and
/// 5.10).
bool is_sense_of_no_unit(std::string_view sense);

}  // namespace vbs::vmm_delegate
