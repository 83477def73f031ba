#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"
#include "common/secret.h"
#include "volume_delegate/target/iet/iet_report.h"

namespace vbs::volume_delegate {

/// IET's tool and its files in /proc. The exit codes are minus errno, modulo 256 (usr/ietadm.c).
/// Thread-safe.
///
/// Errors: node_unavailable (ietd does not run: surely not done), timeout (no answer in time:
/// outcome unknown), conflict (in use), not_found, already_exists (the name), and internal for the
/// rest, among them everything for which IET only says that it is not permitted: a number or LUN
/// that is taken or missing, a path that cannot be opened.
class IetControl {
 public:
  /// `proc` is "/proc/net/iet", beside which the kernel says what sockets there are.
  IetControl(std::string program, std::string proc)
      : program_(std::move(program)), proc_(std::move(proc)) {}

  Result<unsigned> version();
  /// Which ietd listens for orders, by the inode of its socket; another one is another process.
  /// Nothing is asked of it.
  Result<std::string> daemon() const;
  /// Without the kernel module, and so without its files, nothing can be served.
  bool surely_absent() const;

  Result<std::vector<IetTarget>> targets() const;
  Result<std::vector<IetSession>> sessions() const;

  Result<void> new_target(std::uint32_t tid, const std::string& iqn);
  Result<void> delete_target(std::uint32_t tid);
  /// `params` as ietadm::unit_params makes them.
  Result<void> new_unit(std::uint32_t tid, std::uint32_t lun, const std::string& params);
  /// The secret stands in the arguments of ietadm meanwhile.
  Result<void> new_account(std::uint32_t tid, const std::string& user, const Secret& secret);
  Result<void> delete_account(std::uint32_t tid, const std::string& user);
  Result<void> close_connection(std::uint32_t tid, std::uint64_t sid, std::uint32_t cid);

 private:
  Result<void> act(const char* what, std::vector<std::string> arguments);
  Result<std::string> report(const char* name) const;

  const std::string program_;
  const std::string proc_;
};

}  // namespace vbs::volume_delegate
