#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace vbs::volume_delegate {

/// A set of small named texts that survive a crash: the only thing this server remembers by
/// itself. Names are UUIDs or fixed words. Thread-safe for different names.
class RecordFolder {
 public:
  virtual ~RecordFolder() = default;
  virtual Result<std::vector<std::string>> names() = 0;
  virtual Result<std::string> read(const std::string& name) = 0;
  /// After a crash the old or the new text is there. insufficient_space when the disk is full.
  virtual Result<void> write(const std::string& name, std::string_view text) = 0;
  /// Absent is success.
  virtual Result<void> remove(const std::string& name) = 0;
};

/// One file each (mode 0600: some hold secrets) in a folder of its own (mode 0700).
class DirectoryRecords final : public RecordFolder {
 public:
  /// Also removes what a crash left of texts that were being written.
  static Result<DirectoryRecords> open(const std::string& folder);
  Result<std::vector<std::string>> names() override;
  Result<std::string> read(const std::string& name) override;
  Result<void> write(const std::string& name, std::string_view text) override;
  Result<void> remove(const std::string& name) override;

 private:
  explicit DirectoryRecords(std::string folder) : folder_(std::move(folder)) {}
  std::string path(const std::string& name) const { return folder_ + "/" + name + ".json"; }

  std::string folder_;
};

}  // namespace vbs::volume_delegate
