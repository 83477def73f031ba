#include "common/ids.h"
#include "common/names.h"
#include "common/volume_serial.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace vbs;
using fuzz::require;

bool has_only(std::string_view text, std::string_view allowed) {
  return text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kLowerCase = "abcdefghijklmnopqrstuvwxyz0123456789.:-";

/// Said again, in other words than those of the code.
void check_names(std::string_view name) {
  if (check_resource_name(name, "name")) {
    require(!name.empty() && name.size() <= 128 && is_printable_utf8(name), "it prints");
    require(name.find('/') == std::string_view::npos && name != "." && name != "..",
            "it is no path");
    require(!Uuid::parse(name), "it is no id");
  }
  if (check_node_name(name, "name")) {
    require(name.size() <= 63 && has_only(name, std::string(kLetters) + "0123456789._-") &&
                std::string_view("._-").find(name.front()) == std::string_view::npos,
            "a node's name is plain");
  }
  if (check_iscsi_name(name, "name")) {
    require(name.size() <= 223 && has_only(name, kLowerCase), "an iSCSI name is in lower case");
  }
  if (check_portal(name, "portal")) {
    require(has_only(name, std::string(kLetters) + "0123456789.:-[]") && name.front() != '-',
            "a portal is a word and no option");
  }
  if (check_idempotency_key(name)) require(name.size() <= 128 && is_utf8(name), "a key is short");
  if (const auto device = check_device_name(name, "device")) {
    require(check_device_name(*device, "device") == *device, "a device name is canonical");
    require(has_only(*device, "/abcdefghijklmnopqrstuvwxyz"), "a device name is plain");
  }
}

void check_ids(std::string_view text) {
  if (const auto id = Uuid::parse(text)) {
    require(Uuid::parse(id->str()) == id, "an id is written as it is read");
    require(Uuid::from_base32(id->base32()) == id, "also in base32");
    require(is_volume_serial(id->str(), *id) && is_volume_serial(short_volume_serial(*id), *id),
            "both serials are the volume's");
  }
  if (const auto id = Uuid::from_base32(text)) {
    require(id->base32() == text, "one id has one text in base32");
  }
}

}  // namespace

/// Names and ids, and texts that go into messages.
void vbs::fuzz::one_input(std::string_view input) {
  check_names(input);
  check_ids(input);
  require(is_utf8(to_utf8(input)), "what tools say is made UTF-8");
  require(!is_utf8(input) || to_utf8(input) == input, "UTF-8 stays as it is");
  require(is_printable_utf8(quote(input)), "quoted, anything prints");
}
