// SIGKILL of the real vbs-volumed at every boundary of every verb that changes something: after a
// new start the same order again ends as if nothing had happened.

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/volume_delegate/program_support.h"
#include "volume_delegate/target/tgt/tgt_report.h"

namespace vbs::volume_delegate {
namespace {

using testing::eventually;
using testing::id;

struct Crash {
  const char* verb;
  const char* point;
};
void PrintTo(const Crash& crash, std::ostream* out) {
  *out << crash.verb << " at " << crash.point;
}

class CrashTest : public testing::ProgramTest, public ::testing::WithParamInterface<Crash> {
 protected:
  /// What has to be there before the verb under test: a volume with some data, and for removals
  /// what is to be removed.
  void prepare(const std::string& verb) {
    ASSERT_EQ(200u, put(volume(1), blank())) << body_;
    testing::write_at(image(1), 4096, "data");
    if (verb == "delete snapshot") {
      ASSERT_EQ(200u, settled([this] { return put(snapshot(2), of_volume(1)); })) << body_;
    }
    if (verb == "delete clone") {
      ASSERT_EQ(200u, settled([this] { return put(volume(3), clone_of(1)); })) << body_;
    }
    if (verb == "delete export" || verb == "bury export") {
      ASSERT_EQ(200u, put(export_of(7), order(1))) << body_;
    }
  }

  unsigned act(const std::string& verb) {
    if (verb == "put volume") return put(volume(4), blank());
    if (verb == "put clone") return put(volume(3), clone_of(1));
    if (verb == "put snapshot") return put(snapshot(2), of_volume(1));
    if (verb == "put export") return put(export_of(7), order(1));
    if (verb == "grow volume") return put(volume(1) + "/size", "{\"size_bytes\":16777216}");
    if (verb == "delete clone") return del(volume(3));
    if (verb == "delete snapshot") return del(snapshot(2));
    const std::string end = export_of(7) + "?generation=3";
    return del(verb == "bury export" ? end + "&bury=true" : end);
  }

  std::set<std::string> files(const std::string& folder) const {
    std::set<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(store_ + "/" + folder)) {
      out.insert(entry.path().filename());
    }
    return out;
  }
  static std::string name(unsigned n, const std::string& suffix) { return id(n).str() + suffix; }

  /// Asks the disk and tgtd themselves.
  void check_end(const std::string& verb) {
    std::set<std::string> volumes = {name(1, ".img")};
    std::set<std::string> snapshots;
    if (verb == "put volume") volumes.insert(name(4, ".img"));
    if (verb == "put clone") volumes.insert({name(3, ".img"), name(3, ".source")});
    if (verb == "put snapshot") snapshots = {name(2, ".img"), name(2, ".source")};
    EXPECT_EQ(volumes, files("volumes"));
    EXPECT_EQ(verb == "grow volume" ? 16u << 20 : 8u << 20, std::filesystem::file_size(image(1)));
    EXPECT_EQ("data", testing::file_bytes(image(1)).substr(4096, 4));
    EXPECT_EQ(snapshots, files("snapshots"));
    for (const auto& file : snapshots) {
      if (file.ends_with(".img")) {
        EXPECT_EQ(testing::file_bytes(image(1)),
                  testing::file_bytes(store_ + "/snapshots/" + file));
      }
    }
    TgtControl tgt(socket());
    const auto targets = parse_tgt_targets(tgt.show_targets().value_or("Target"));
    ASSERT_TRUE(targets);
    const bool buried = verb == "bury export";
    ASSERT_EQ(verb == "put export" || buried ? 1u : 0u, targets->size());
    if (targets->empty()) return;
    const TgtTarget& target = targets->front();
    EXPECT_EQ(buried ? 1u : 2u, target.luns.size()) << "the first is tgtd's own";
    EXPECT_EQ(std::vector<std::string>{"user1"}, target.accounts);
    EXPECT_EQ(std::vector<std::string>{"iqn.2026-01.host:1"}, target.acl);
  }
};

TEST_P(CrashTest, IsHealedByTheSameOrderAgain) {
  const auto [verb, point] = GetParam();
  start_program();
  prepare(verb);
  kill_program();

  start_program(std::string(point) + "=kill");
  act(verb);
  ASSERT_TRUE(ends()) << "the point was never passed; last answer: " << body_;

  start_program();
  const unsigned expected =
      std::string(verb).find("delete") == 0 || verb == std::string("bury export") ? 204 : 200;
  EXPECT_EQ(expected, settled([&] { return act(verb); })) << body_;
  check_end(verb);
  EXPECT_EQ(expected, settled([&] { return act(verb); })) << "and once more: " << body_;
  check_end(verb);
}

INSTANTIATE_TEST_SUITE_P(
    Points, CrashTest,
    ::testing::Values(Crash{"put volume", "volumed.put_volume.before_act"},
                      Crash{"put volume", "volumed.store.before_rename"},
                      Crash{"put volume", "volumed.store.after_rename"},
                      Crash{"put volume", "volumed.put_volume.after_act"},
                      Crash{"put clone", "volumed.put_volume.before_act"},
                      Crash{"put clone", "volumed.copy.before_act"},
                      Crash{"put clone", "volumed.copy.during"},
                      Crash{"put clone", "volumed.copy.after_act"},
                      Crash{"put clone", "volumed.store.before_rename"},
                      Crash{"put clone", "volumed.store.after_rename"},
                      Crash{"put clone", "volumed.put_volume.after_act"},
                      Crash{"grow volume", "volumed.grow.before_act"},
                      Crash{"grow volume", "volumed.grow.after_act"},
                      Crash{"put snapshot", "volumed.put_snapshot.before_act"},
                      Crash{"put snapshot", "volumed.copy.during"},
                      Crash{"put snapshot", "volumed.store.before_rename"},
                      Crash{"put snapshot", "volumed.store.after_rename"},
                      Crash{"put snapshot", "volumed.put_snapshot.after_act"},
                      Crash{"delete clone", "volumed.delete_volume.before_act"},
                      Crash{"delete clone", "volumed.store.after_unlink"},
                      Crash{"delete clone", "volumed.delete_volume.after_act"},
                      Crash{"delete clone", "volumed.delete_volume.after_record"},
                      Crash{"delete snapshot", "volumed.delete_snapshot.before_act"},
                      Crash{"delete snapshot", "volumed.store.after_unlink"},
                      Crash{"delete snapshot", "volumed.delete_snapshot.after_act"},
                      Crash{"delete snapshot", "volumed.delete_snapshot.after_record"},
                      Crash{"put export", "volumed.put_export.before_record"},
                      Crash{"put export", "volumed.put_export.after_record"},
                      Crash{"put export", "volumed.put_export.after_target"},
                      Crash{"put export", "volumed.put_export.after_unit"},
                      Crash{"put export", "volumed.put_export.after_account"},
                      Crash{"put export", "volumed.put_export.after_rule"},
                      Crash{"put export", "volumed.put_export.after_act"},
                      Crash{"delete export", "volumed.delete_export.before_fence"},
                      Crash{"delete export", "volumed.delete_export.after_fence"},
                      Crash{"delete export", "volumed.delete_export.after_intent"},
                      Crash{"delete export", "volumed.delete_export.before_act"},
                      Crash{"delete export", "volumed.remove_target.after_fence"},
                      Crash{"delete export", "volumed.remove_target.after_end"},
                      Crash{"delete export", "volumed.delete_export.after_act"},
                      Crash{"delete export", "volumed.delete_export.after_record"},
                      Crash{"bury export", "volumed.delete_export.after_intent"},
                      Crash{"bury export", "volumed.bury_export.after_removal"},
                      Crash{"bury export", "volumed.put_export.after_target"},
                      Crash{"bury export", "volumed.put_export.after_rule"}));

// A point that no case above names would go untested for ever.
TEST(CrashPoints, AreAllInTheTable) {
  std::set<std::string> in_code;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::string(VBS_SOURCE_DIR) + "/volume_delegate")) {
    if (entry.path().extension() != ".cc") continue;
    const std::string text = read_file(entry.path()).value_or("");
    const std::string call = "fault_point(\"";
    for (auto at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
      const auto begin = at + call.size();
      in_code.insert(text.substr(begin, text.find('"', begin) - begin));
    }
  }
  // Those of LVM are killed where LVM is, by the conformance suite of the stores.
  std::string table;
  for (const char* file :
       {"unit/volume_delegate/program_crash_test.cc", "conformance/store/crash_test.cc"}) {
    table += read_file(std::string(VBS_SOURCE_DIR) + "/tests/" + file).value_or("");
  }
  EXPECT_GT(in_code.size(), 20u);
  for (const auto& point : in_code) {
    EXPECT_NE(std::string::npos, table.find("\"" + point + "\"")) << point;
  }
}

}  // namespace
}  // namespace vbs::volume_delegate
