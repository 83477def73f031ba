#include "vmm_delegate/initiator/record_text.h"

#include <algorithm>
#include <charconv>

namespace vbs::vmm_delegate {
namespace {

// iscsiadm passes over these lines.
constexpr std::string_view kGeneration = "# vbs.generation";
constexpr std::string_view kVolume = "# vbs.volume";
constexpr std::string_view kLun = "# vbs.lun";
constexpr std::string_view kEquals = " = ";
constexpr std::string_view kTarget = "node.name";
constexpr std::string_view kUser = "node.session.auth.username";
constexpr std::string_view kPassword = "node.session.auth.password";
constexpr std::string_view kAddress = "node.conn[0].address";
constexpr std::string_view kPort = "node.conn[0].port";
constexpr std::string_view kLogoutTimeout = "5";
constexpr std::string_view kNoopInterval = "5";
constexpr std::string_view kNoopTimeout = "5";

std::string seconds(Milliseconds time) {
  return std::to_string(std::chrono::ceil<std::chrono::seconds>(time).count());
}

class RecordText {
 public:
  RecordText& set(std::string_view name, std::string_view value) {
    text_.append(name).append(kEquals).append(value).append("\n");
    return *this;
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

void set_interface(RecordText& text, const RecordCommon& common) {
  text.set("iface.iscsi_ifacename", common.interface)
      .set("iface.transport_name", "tcp")
      .set("iface.initiatorname", common.initiator);
}

/// "" where the record does not tell.
std::string_view value_in(std::string_view text, std::string_view name) {
  const std::string start = std::string(name) + std::string(kEquals);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(start)) return line.substr(start.size());
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return "";
}

template <class Number>
std::optional<Number> number_in(std::string_view text, std::string_view name) {
  const std::string_view value = value_in(text, name);
  Number number = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
  if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) return std::nullopt;
  return number;
}

}  // namespace

std::string interface_record_text(const RecordCommon& common) {
  RecordText text;
  set_interface(text, common);
  return text.take();
}

std::string node_record_text(const RecordCommon& common, const wire::SessionSpec& session,
                             const PortalAddress& portal, std::uint32_t portal_group) {
  RecordText text;
  text.set(kGeneration, std::to_string(session.generation))
      .set(kVolume, session.volume.str())
      .set(kLun, std::to_string(session.lun))
      .set(kTarget, session.iqn)
      .set("node.tpgt", std::to_string(portal_group))
      // VBS alone decides when to log in: iscsid brings nothing back after a restart of the host.
      .set("node.startup", "manual");
  set_interface(text, common);
  text.set("node.session.nr_sessions", "1")
      // A scan of its own makes sure that no other logical unit ever becomes a device here.
      .set("node.session.scan", "manual")
      .set("node.session.initial_login_retry_max", "1")
      .set("node.session.auth.authmethod", "CHAP")
      .set(kUser, session.chap_user)
      .set(kPassword, session.chap_secret.reveal())
      .set("node.session.timeo.replacement_timeout", seconds(common.replacement_timeout))
      .set(kAddress, portal.address)
      .set(kPort, portal.port)
      .set("node.conn[0].startup", "manual")
      .set("node.conn[0].timeo.login_timeout", seconds(common.login_timeout))
      .set("node.conn[0].timeo.logout_timeout", kLogoutTimeout)
      .set("node.conn[0].timeo.noop_out_interval", kNoopInterval)
      .set("node.conn[0].timeo.noop_out_timeout", kNoopTimeout);
  return text.take();
}

std::int64_t generation_in(std::string_view text) {
  return number_in<std::int64_t>(text, kGeneration).value_or(0);
}

std::optional<wire::SessionSpec> session_in(std::string_view text) {
  const auto volume = Uuid::parse(value_in(text, kVolume));
  const auto lun = number_in<std::uint32_t>(text, kLun);
  wire::SessionSpec session;
  session.iqn = value_in(text, kTarget);
  session.portal =
      joined_portal({std::string(value_in(text, kAddress)), std::string(value_in(text, kPort))});
  session.chap_user = value_in(text, kUser);
  session.chap_secret = Secret(std::string(value_in(text, kPassword)));
  session.generation = generation_in(text);
  const bool complete = volume && lun && !session.iqn.empty() && split_portal(session.portal) &&
                        !session.chap_user.empty() && !session.chap_secret.empty();
  if (!complete) return std::nullopt;
  session.volume = *volume;
  session.lun = *lun;
  return session;
}

}  // namespace vbs::vmm_delegate
