#pragma once

#include <map>
#include <string>

#include "tests/conformance/hypervisor/rig.h"

namespace vbs::conformance {

/// Host devices of a test: loop devices over files, each under a path of its own in the folder, as
/// udev gives one to each session's disk. For root.
class LoopDevices {
 public:
  explicit LoopDevices(std::string folder) : folder_(std::move(folder)) {}
  ~LoopDevices();

  Storage storage(unsigned number, bool read_only, bool there);
  void grow(unsigned number, std::uint64_t size_bytes);
  char first_byte(unsigned number) const;

 private:
  std::string image(unsigned number) const;

  const std::string folder_;
  std::map<unsigned, std::string> devices_;  ///< "/dev/loop0"
};

}  // namespace vbs::conformance
