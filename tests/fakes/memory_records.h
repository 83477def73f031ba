#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <string>

#include "volume_delegate/record_folder.h"

namespace vbs::fakes {

/// A RecordFolder in memory. It outlives the server that uses it, as a disk would: hand the same
/// one to the next incarnation. Thread-safe.
class MemoryRecords final : public volume_delegate::RecordFolder {
 public:
  Result<std::vector<std::string>> names() override;
  Result<std::string> read(const std::string& name) override;
  Result<void> write(const std::string& name, std::string_view text) override;
  Result<void> remove(const std::string& name) override;

  /// Called before every write and removal; an error is returned instead of doing it.
  using Fault = std::function<Result<void>(const std::string& name)>;
  void set_fault(Fault fault);

 private:
  Result<void> enter(const std::string& name);

  std::mutex mutex_;
  Fault fault_;
  std::map<std::string, std::string> texts_;
};

}  // namespace vbs::fakes
