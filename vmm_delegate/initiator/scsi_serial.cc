#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kPageHeader = 4;

}  // namespace

std::string serial_of_page(std::string_view page) {
  if (page.size() < kPageHeader || page[1] != static_cast<char>(kSerialPage)) return "";
  const auto length = static_cast<unsigned char>(page[3]);
  const std::string_view serial = page.substr(kPageHeader, length);
  const auto first = serial.find_first_not_of(std::string_view(" \0", 2));
  if (first == std::string_view::npos) return "";
  return std::string(
      serial.substr(first, serial.find_last_not_of(std::string_view(" \0", 2)) - first + 1));
}

}  // namespace vbs::vmm_delegate
