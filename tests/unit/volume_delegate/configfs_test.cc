#include "volume_delegate/target/lio/configfs.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>

#include "common/file.h"
#include "tests/unit/volume_delegate/support.h"

namespace vbs::volume_delegate {
namespace {

using testing::failed_with;
using testing::trouble;
using Names = std::vector<std::string>;

TEST(Configfs, KnowsTheKernelsErrors) {
  const std::pair<int, ErrorCode> cases[] = {{ENOENT, ErrorCode::not_found},
                                             {EEXIST, ErrorCode::already_exists},
                                             {EBUSY, ErrorCode::conflict},
                                             {ENOTEMPTY, ErrorCode::conflict},
                                             {EACCES, ErrorCode::forbidden},
                                             {ENOSPC, ErrorCode::insufficient_space},
                                             {EADDRINUSE, ErrorCode::node_unavailable},
                                             {EADDRNOTAVAIL, ErrorCode::node_unavailable},
                                             {ENOMEM, ErrorCode::internal},
                                             {EINVAL, ErrorCode::internal}};
  for (const auto& [number, code] : cases) EXPECT_EQ(code, configfs_error(number)) << number;
}

// As far as an ordinary file system goes, it is one.
TEST(Configfs, IsATreeOfFoldersAttributesAndLinks) {
  const testing::TempDir dir;
  Configfs tree(dir.path());
  ASSERT_EQ("", trouble(tree.make_folder("core")));
  ASSERT_EQ("", trouble(tree.make_folder("core/b")));
  ASSERT_EQ("", trouble(tree.make_folder("core/a")));
  EXPECT_TRUE(failed_with(tree.make_folder("core"), ErrorCode::already_exists, "core"));
  ASSERT_EQ("", trouble(write_file_durably(dir / "core/enable", "0\n", 0600)));
  ASSERT_EQ("", trouble(tree.link("core/unit", "core/a")));
  EXPECT_EQ((Names{"a", "b"}), *tree.folders("core"));
  EXPECT_EQ(Names{"unit"}, *tree.links("core"));
  EXPECT_EQ("core/a", tree.link_target("core/unit").value_or(""));
  EXPECT_EQ("0", tree.read("core/enable").value_or(""));
  ASSERT_EQ("", trouble(tree.write("core/enable", "1\n")));
  EXPECT_EQ("1", tree.read("core/enable").value_or(""));
  EXPECT_TRUE(failed_with(tree.remove_folder("core"), ErrorCode::conflict));
  ASSERT_EQ("", trouble(tree.unlink("core/unit")));
  ASSERT_EQ("", trouble(tree.remove_folder("core/a")));
  EXPECT_TRUE(failed_with(tree.remove_folder("core/a"), ErrorCode::not_found));
  EXPECT_TRUE(failed_with(tree.write("core/none", "1"), ErrorCode::not_found));
}

TEST(Configfs, ALinkOutOfTheTreeLeadsNowhere) {
  const testing::TempDir dir;
  std::filesystem::create_directory_symlink("/", dir / "out");
  EXPECT_TRUE(failed_with(Configfs(dir.path()).link_target("out"), ErrorCode::internal, "out of"));
}

}  // namespace
}  // namespace vbs::volume_delegate
