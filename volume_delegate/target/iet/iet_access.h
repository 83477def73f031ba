#pragma once

#include <map>
#include <mutex>
#include <string>

#include "common/error.h"

namespace vbs::volume_delegate {

/// Who may log in to IET's targets: the files initiators.allow and initiators.deny, which ietd
/// reads at every login (usr/plain.c). The first line that names a target decides, so ours come
/// first; other lines stay as they are. Thread-safe; one writer a file.
///
/// From 1.4.18 on a line may name an initiator, by a regular expression. Earlier versions know
/// addresses only: there a target is open to whoever has its credentials, or to nobody.
class IetAccess {
 public:
  IetAccess(std::string folder, unsigned version)
      : folder_(std::move(folder)), by_name_(version >= kNames) {}

  static constexpr unsigned kNames = 1'04'18;  ///< as parse_iet_version gives it

  bool knows_names() const { return by_name_; }
  /// The files that this version needs are there: without them IET lets everybody in.
  Result<void> check() const;

  /// By target: the initiator that may log in, "" if nobody may. Without names, the initiator is
  /// what `open` was told last, or "(anybody)". A line that somebody else wrote is in it as it is.
  Result<std::map<std::string, std::string>> rules();
  Result<void> open(const std::string& iqn, const std::string& initiator);
  Result<void> close(const std::string& iqn);
  /// Removes every line that names the target, once the target is gone.
  Result<void> forget(const std::string& iqn);

 private:
  Result<void> change(const char* name, const std::string& iqn, const std::string& rule);
  std::string path(const char* name) const { return folder_ + "/" + name; }
  bool has(const char* name) const;

  const std::string folder_;
  const bool by_name_;
  std::mutex mutex_;
  std::map<std::string, std::string> opened_;  ///< for versions without names
};

}  // namespace vbs::volume_delegate
