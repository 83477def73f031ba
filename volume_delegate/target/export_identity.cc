#include "volume_delegate/target/export_identity.h"

#include <algorithm>

#include "common/names.h"

namespace vbs::volume_delegate {
namespace {

constexpr std::size_t kMaxUser = 64;
constexpr std::size_t kMinSecret = 12;
constexpr std::size_t kMaxSecret = 128;

bool is_user_character(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

bool is_secret_character(char c) {
  return c > ' ' && c < 127 && c != ',';
}

}  // namespace

std::string export_iqn(std::string_view prefix, const Uuid& attachment) {
  return std::string(prefix) + ":" + attachment.str();
}

Result<void> check_iqn_prefix(std::string_view prefix) {
  if (auto ok = check_iscsi_name(export_iqn(prefix, Uuid{}), "iqn_prefix"); !ok) return ok;
  if (prefix.starts_with("iqn.")) return {};
  return fail_field("iqn_prefix", "must begin with \"iqn.\", such as \"iqn.2026-01.vbs\"");
}

Result<void> check_export_access(const wire::ExportSpec& spec) {
  if (auto ok = check_iscsi_name(spec.initiator, "initiator"); !ok) return ok;
  const std::string& user = spec.chap_user;
  if (user.empty() || user.size() > kMaxUser ||
      !std::all_of(user.begin(), user.end(), is_user_character)) {
    return fail_field("chap_user",
                      "must be 1 to 64 characters of A-Z, a-z, 0-9, '.', '_', ':', '-'");
  }
  const std::string& secret = spec.chap_secret.reveal();
  if (secret.size() < kMinSecret || secret.size() > kMaxSecret ||
      !std::all_of(secret.begin(), secret.end(), is_secret_character)) {
    return fail_field("chap_secret",
                      "must be 12 to 128 printable ASCII characters without space and comma");
  }
  return {};
}

}  // namespace vbs::volume_delegate
