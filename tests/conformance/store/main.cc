// The conformance suite of the backing stores; rig.h says what the environment chooses.

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "common/log.h"
#include "tests/conformance/store/rig.h"

namespace vbs::conformance {
namespace {

Target chosen;

/// A folder that is removed at the end of the program that made it.
class OwnFolder {
 public:
  OwnFolder() {
    std::string path = "/var/tmp/vbsconf-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return;
    path_ = path;
    ::setenv("VBS_CONFORMANCE_FOLDER", path.c_str(), 1);  // for the processes that are killed
  }
  ~OwnFolder() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
  }

 private:
  std::string path_;
};

int run(int argc, char** argv) {
  std::optional<OwnFolder> folder;
  chosen = Target::from_environment();
  if (!chosen.is_lvm() && chosen.folder.empty()) {
    folder.emplace();
    chosen = Target::from_environment();
  }
  if (chosen.is_lvm() && !chosen.group.starts_with("vbsconf")) {
    std::cerr << "VBS_CONFORMANCE_GROUP must name a volume group that begins with \"vbsconf\": "
                 "what is in it will be destroyed\n";
    return 2;
  }
  if (argc > 2 && std::string(argv[1]) == "--act") return act({argv + 2, argv + argc});
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}

}  // namespace

const Target& target() {
  return chosen;
}

}  // namespace vbs::conformance

int main(int argc, char** argv) {
  return vbs::conformance::run(argc, argv);
}
