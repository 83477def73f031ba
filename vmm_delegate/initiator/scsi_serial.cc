#include "vmm_delegate/initiator/scsi_serial.h"

namespace vbs::vmm_delegate {
namespace {

constexpr std::size_t kPageHeader = 4;

constexpr unsigned kNoUnitQualifier = 3;
constexpr unsigned kIllegalRequest = 0x05;
constexpr unsigned kLogicalUnitNotSupported = 0x25;

unsigned byte_of(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

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

bool tells_no_unit(std::string_view answer) {
  return byte_of(answer, 0) >> 5U == kNoUnitQualifier;
}

bool is_sense_of_no_unit(std::string_view sense) {
  const unsigned format = byte_of(sense, 0) & 0x7fU;
  const bool has_descriptors = format == 0x72 || format == 0x73;
  if (!has_descriptors && format != 0x70 && format != 0x71) return false;
  const unsigned key = byte_of(sense, has_descriptors ? 1 : 2) & 0x0fU;
  return key == kIllegalRequest &&
         byte_of(sense, has_descriptors ? 2 : 12) == kLogicalUnitNotSupported;
}

}  // namespace vbs::vmm_delegate
