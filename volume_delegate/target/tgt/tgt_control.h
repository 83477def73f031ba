#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/error.h"
#include "common/secret.h"

namespace vbs::volume_delegate {

/// Speaks tgtd's control socket directly: a start of `tgtadm` for every step would be slower and
/// would show CHAP secrets in its arguments. Every call is one connection, so calls may come from
/// any thread; tgtd works on one at a time. The caller must run with tgtd's own uid and gid.
///
/// Errors: node_unavailable (nothing listens: surely not done), timeout (no answer in time, or the
/// connection broke: outcome unknown), not_found (no such target, LUN, session, account or rule),
/// already_exists, conflict (still in use), internal (refused for another reason).
class TgtControl {
 public:
  explicit TgtControl(std::string socket, Milliseconds limit = Milliseconds(5'000));

  /// Where a tgtd with TGT_IPC_SOCKET=`base` and -C `port` listens; an error if the kernel's limit
  /// of 107 bytes is exceeded.
  static Result<std::string> socket_path(const std::string& base, int port);

  const std::string& socket() const { return socket_; }

  /// Reports as text, see tgt_report.h.
  Result<std::string> show_targets();
  Result<std::string> show_portals();

  Result<void> new_target(std::uint32_t tid, std::string_view iqn);
  /// Without `force` a target with sessions is a conflict.
  Result<void> delete_target(std::uint32_t tid, bool force);
  /// bstype rdwr: the only one that syncs when the initiator flushes.
  Result<void> new_lun(std::uint32_t tid, std::uint64_t lun, std::string_view path);
  /// "key=value,key=value"
  Result<void> update_lun(std::uint32_t tid, std::uint64_t lun, std::string_view params);
  Result<void> delete_lun(std::uint32_t tid, std::uint64_t lun);
  Result<void> new_account(std::string_view user, const Secret& secret);
  /// Also takes it away from every target.
  Result<void> delete_account(std::string_view user);
  Result<void> bind_account(std::uint32_t tid, std::string_view user);
  Result<void> unbind_account(std::uint32_t tid, std::string_view user);
  Result<void> allow_initiator(std::uint32_t tid, std::string_view iqn);
  /// Removes a rule as the report shows it: an initiator name or an address.
  Result<void> remove_rule(std::uint32_t tid, std::string_view rule);
  Result<void> close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid);

 private:
  struct Request;
  Result<std::string> call(const Request& request);
  Result<void> act(const Request& request);

  std::string socket_;
  Milliseconds limit_;
};

}  // namespace vbs::volume_delegate
