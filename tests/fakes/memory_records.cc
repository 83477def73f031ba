#include "tests/fakes/memory_records.h"

#include <utility>

namespace vbs::fakes {

Result<void> MemoryRecords::enter(const std::string& name) {
  Fault fault;
  {
    std::lock_guard guard(mutex_);
    fault = fault_;
  }
  return fault ? fault(name) : Result<void>();
}

Result<std::vector<std::string>> MemoryRecords::names() {
  std::lock_guard guard(mutex_);
  std::vector<std::string> out;
  for (const auto& [name, text] : texts_) out.push_back(name);
  return out;
}

Result<std::string> MemoryRecords::read(const std::string& name) {
  std::lock_guard guard(mutex_);
  const auto found = texts_.find(name);
  if (found != texts_.end()) return found->second;
  return fail(ErrorCode::not_found, "no record " + name);
}

Result<void> MemoryRecords::write(const std::string& name, std::string_view text) {
  if (auto ok = enter(name); !ok) return ok;
  std::lock_guard guard(mutex_);
  texts_[name] = text;
  return {};
}

Result<void> MemoryRecords::remove(const std::string& name) {
  if (auto ok = enter(name); !ok) return ok;
  std::lock_guard guard(mutex_);
  texts_.erase(name);
  return {};
}

void MemoryRecords::set_fault(Fault fault) {
  std::lock_guard guard(mutex_);
  fault_ = std::move(fault);
}

}  // namespace vbs::fakes
