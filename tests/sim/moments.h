#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.h"

namespace vbs::sim {

/// Who runs. Lease helpers, and what people do by hand, are nobody.
enum class Process { nobody, front, volume_delegate, vmm_delegate };
std::string_view to_string(Process process);

/// Thrown where a process dies: its stack goes, and nothing in the product holds that up.
struct Death {};

/// A place where a process may die: one of its fault points, or a call to what is outside of it.
struct Moment {
  enum class Kind { fault_point, before_call, after_call };
  Kind kind = Kind::fault_point;
  Process process = Process::nobody;
  std::string_view name;  ///< "attach-volume.export.before-act", "target.apply"

  std::string str() const;
  /// Whether it can fail because a disk is full.
  bool takes_room() const;
};

/// All moments of one world, in their order. One thread.
class Moments {
 public:
  /// May throw Death. An error that it returns takes the place of the call, or of its answer; at a
  /// fault point it means nothing.
  using Observer = std::function<std::optional<Error>(const Moment&)>;
  void set_observer(Observer observer) { observer_ = std::move(observer); }

  /// Does `work` as that process; false when it died of it.
  bool run_as(Process process, const std::function<void()>& work);
  std::optional<Error> pass(Moment::Kind kind, std::string_view name);

  /// A call to the outside.
  template <class Call>
  auto around(std::string_view name, const Call& call) -> decltype(call()) {
    if (auto error = pass(Moment::Kind::before_call, name)) return fail(*std::move(error));
    auto answer = call();
    if (auto error = pass(Moment::Kind::after_call, name)) return fail(*std::move(error));
    return answer;
  }

 private:
  Observer observer_;
  Process running_ = Process::nobody;
};

}  // namespace vbs::sim
