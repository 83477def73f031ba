#include "db/purge.h"
#include "tests/unit/db/support.h"

namespace vbs::db::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

/// How SQLite would run what the last call prepared; one line a step.
class QueryPlanTest : public DatabaseTest {
 protected:
  template <class F>
  std::string plan_of(F&& query) {
    // The only statement of a new connection is the query's own.
    Connection connection(path(), Connection::Mode::reader);
    query(connection);
    sqlite3_stmt* only = sqlite3_next_stmt(connection.handle(), nullptr);
    EXPECT_EQ(sqlite3_next_stmt(connection.handle(), only), nullptr);
    auto steps = connection.prepare(std::string("EXPLAIN QUERY PLAN ") + sqlite3_sql(only));
    std::string plan;
    while (steps.step()) {
      // Arrays of a few names or ids, which are parameters, are read to their end.
      if (steps.text(3).find("json_each") == std::string_view::npos) plan += steps.string(3) + "\n";
    }
    return plan;
  }
  std::string list_plan(const VolumeFilter& filter) {
    return plan_of([&](Connection& c) { VolumeTable(c).list(filter); });
  }
  std::string list_plan(const SnapshotFilter& filter) {
    return plan_of([&](Connection& c) { SnapshotTable(c).list(filter); });
  }
  std::string list_plan(const OperationFilter& filter) {
    return plan_of([&](Connection& c) { OperationTable(c).list(filter); });
  }
};

/// Uses that index, looks at no table from end to end, and sorts nothing.
auto Searches(const std::string& how) {
  return AllOf(HasSubstr(how), Not(HasSubstr("SCAN")), Not(HasSubstr("TEMP B-TREE")));
}

TEST_F(QueryPlanTest, VolumeLists) {
  VolumeFilter filter;
  EXPECT_THAT(list_plan(filter), Searches("volumes_live (seq>?)"));
  filter.state = VolumeState::error;
  EXPECT_THAT(list_plan(filter), Searches("volumes_live (seq>?)"));
  filter = {};
  filter.project = "p1";
  EXPECT_THAT(list_plan(filter), Searches("volumes_project (project=? AND seq>?)"));
  filter.id_prefix = "0190";
  EXPECT_THAT(list_plan(filter), Searches("volumes_project (project=? AND seq>?)"));
  filter.node = "vs1";
  EXPECT_THAT(list_plan(filter), Searches("volumes_project_node (project=? AND node=? AND seq>?)"));
  filter.state = VolumeState::error;
  EXPECT_THAT(list_plan(filter),
              Searches("volumes_project_state (project=? AND state=? AND seq>?)"));
  filter.tag = {"k", "v"};
  EXPECT_THAT(list_plan(filter),
              Searches("volume_tags_project (project=? AND key=? AND value=? AND volume_seq>?)"));
  filter.name = "x";
  EXPECT_THAT(list_plan(filter), Searches("volumes_name (name=? AND project=?"));
  filter = {};
  // The ids of about a minute are few rows: they may be sorted.
  filter.id_prefix = "01900000-";
  EXPECT_THAT(list_plan(filter), HasSubstr("sqlite_autoindex_volumes_1 (uid>? AND uid<?)"));
  filter = {};
  filter.node = "vs1";
  EXPECT_THAT(list_plan(filter), Searches("volumes_node (node=? AND seq>?)"));
  filter = {};
  filter.tag = {"k", "v"};
  EXPECT_THAT(list_plan(filter),
              Searches("volume_tags_value (key=? AND value=? AND volume_seq>?)"));
  filter = {};
  filter.vm = "vm1";
  EXPECT_THAT(list_plan(filter), Searches("attachments_vm (vm=?)"));
  filter = {};
  // A name in every project, and ids, are few rows: they may be sorted.
  filter.name = "x";
  EXPECT_THAT(list_plan(filter), HasSubstr("SEARCH v USING INDEX volumes_name (name=?)"));
  filter.ids = {test_id(1)};
  EXPECT_THAT(list_plan(filter),
              HasSubstr("SEARCH v USING INDEX sqlite_autoindex_volumes_1 (uid=?"));
}

TEST_F(QueryPlanTest, SnapshotLists) {
  SnapshotFilter filter;
  EXPECT_THAT(list_plan(filter), Searches("snapshots_live (seq>?)"));
  filter.project = "p1";
  EXPECT_THAT(list_plan(filter), Searches("snapshots_project (project=? AND seq>?)"));
  filter.node = "vs1";
  EXPECT_THAT(list_plan(filter),
              Searches("snapshots_project_node (project=? AND node=? AND seq>?)"));
  filter.state = SnapshotState::error;
  EXPECT_THAT(list_plan(filter),
              Searches("snapshots_project_state (project=? AND state=? AND seq>?)"));
  filter.tag = {"k", "v"};
  EXPECT_THAT(
      list_plan(filter),
      Searches("snapshot_tags_project (project=? AND key=? AND value=? AND snapshot_seq>?)"));
  filter.name = "x";
  EXPECT_THAT(list_plan(filter), Searches("snapshots_name (name=? AND project=?"));
  filter = {};
  filter.node = "vs1";
  EXPECT_THAT(list_plan(filter), Searches("snapshots_node (node=? AND seq>?)"));
  filter = {};
  filter.volume = test_id(1);
  EXPECT_THAT(list_plan(filter), Searches("snapshots_volume (volume_uid=?"));
  filter = {};
  filter.tag = {"k", "v"};
  EXPECT_THAT(list_plan(filter),
              Searches("snapshot_tags_value (key=? AND value=? AND snapshot_seq>?)"));
  filter = {};
  filter.ids = {test_id(1)};
  EXPECT_THAT(list_plan(filter),
              HasSubstr("SEARCH s USING INDEX sqlite_autoindex_snapshots_1 (uid=?"));
}

TEST_F(QueryPlanTest, OperationLists) {
  OperationFilter filter;
  EXPECT_THAT(list_plan(filter), Searches("INTEGER PRIMARY KEY (rowid<?)"));
  filter.project = "p1";
  EXPECT_THAT(list_plan(filter), Searches("operations_project (project=? AND seq<?)"));
  filter.kind = "attach-volume";
  EXPECT_THAT(list_plan(filter),
              Searches("operations_project_kind (project=? AND kind=? AND seq<?)"));
  filter.state = OperationState::failed;
  EXPECT_THAT(list_plan(filter),
              Searches("operations_turned_back (project=? AND state=? AND seq<?)"));
  filter.state = OperationState::undoing;
  EXPECT_THAT(list_plan(filter), Searches("operations_live (seq<?)"));
  filter.state.reset();
  filter.live_only = true;
  EXPECT_THAT(list_plan(filter), Searches("operations_live (seq<?)"));
  filter = {};
  filter.resource = test_id(1);
  EXPECT_THAT(list_plan(filter), AllOf(HasSubstr("operations_volume (volume_uid=?)"),
                                       HasSubstr("operations_snapshot (snapshot_uid=?)"),
                                       HasSubstr("operations_attachment (attachment_uid=?)"),
                                       Not(HasSubstr("SCAN o"))));
  filter = {};
  filter.ids = {test_id(1)};
  EXPECT_THAT(list_plan(filter),
              HasSubstr("SEARCH o USING INDEX sqlite_autoindex_operations_1 (uid=?"));
}

TEST_F(QueryPlanTest, LookUps) {
  EXPECT_THAT(plan_of([](Connection& c) { AuditTable(c).list(7, 100); }),
              Searches("INTEGER PRIMARY KEY (rowid>?)"));
  EXPECT_THAT(plan_of([](Connection& c) { VolumeTable(c).find_by_name("p1", "x"); }),
              Searches("volumes_name (name=? AND project=?)"));
  EXPECT_THAT(plan_of([](Connection& c) { OperationTable(c).live(); }),
              HasSubstr("USING INDEX operations_live"));
  EXPECT_THAT(plan_of([](Connection& c) { OperationTable(c).count_live(); }),
              HasSubstr("USING INDEX operations_live"));
  EXPECT_THAT(plan_of([](Connection& c) { OperationTable(c).locks_of("volume/x"); }),
              Searches("PRIMARY KEY (resource=?)"));
  EXPECT_THAT(plan_of([](Connection& c) { OperationTable(c).events(1); }),
              Searches("operation_events_operation (operation_seq=?)"));
  EXPECT_THAT(plan_of([](Connection& c) {
                AttachmentTable(c).open_of_volumes({1, 2});
              }),
              Searches("attachments_volume (volume_seq>? AND volume_seq<?)"));
  EXPECT_THAT(plan_of([](Connection& c) {
                AttachmentTable(c).open_of_volumes({1, 20});
              }),
              HasSubstr("attachments_volume (volume_seq=?)"));
  EXPECT_THAT(plan_of([](Connection& c) { AttachmentTable(c).open_of_volume(test_id(1)); }),
              Searches("attachments_volume (volume_seq=?)"));
  EXPECT_THAT(plan_of([](Connection& c) { AttachmentTable(c).open_of_vm("n", "vm"); }),
              HasSubstr("USING INDEX attachments_"));
  EXPECT_THAT(plan_of([](Connection& c) { AttachmentTable(c).open_on_vmm("n"); }),
              HasSubstr("attachments_device (vmm_node=?)"));
}

TEST_F(QueryPlanTest, Purges) {
  const auto plan = [&](int (*purge)(Transaction&, const Purge&)) {
    return plan_of([&](Connection& c) {
      Transaction tx(c);
      // Readers may not write, but the statement is there to be explained.
      EXPECT_THROW(purge(tx, {}), SqliteError);
    });
  };
  const auto looks_up = [](const std::string& index) {
    return AllOf(HasSubstr(index), Not(HasSubstr("SCAN v")), Not(HasSubstr("SCAN s\n")),
                 Not(HasSubstr("SCAN a")), Not(HasSubstr("SCAN w")), Not(HasSubstr("ORDER BY")));
  };
  EXPECT_THAT(plan(purge_closed_attachments), looks_up("attachments_closed (updated_at<?)"));
  EXPECT_THAT(plan(purge_deleted_snapshots), looks_up("snapshots_deleted (updated_at<?)"));
  EXPECT_THAT(plan(purge_deleted_volumes),
              AllOf(looks_up("volumes_deleted (updated_at<?)"), HasSubstr("attachments_parent"),
                    HasSubstr("snapshots_volume"), HasSubstr("volumes_source")));
}

}  // namespace
}  // namespace vbs::db::testing
