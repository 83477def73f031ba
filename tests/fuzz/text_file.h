#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "common/file.h"
#include "tests/fuzz/fuzz.h"

namespace vbs::fuzz {

/// A file without a name, for code that reads files by their path.
class TextFile {
 public:
  TextFile() : fd_(::memfd_create("fuzz", MFD_CLOEXEC)) { require(fd_.get() >= 0, "memfd_create"); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }
  void write(std::string_view text) {
    const bool written =
        ::ftruncate(fd_.get(), 0) == 0 &&
        ::pwrite(fd_.get(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size());
    require(written, "the file is written");
  }

 private:
  FileDescriptor fd_;
};

}  // namespace vbs::fuzz
