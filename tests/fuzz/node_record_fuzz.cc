#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/initiator/node_record.h"

/// A record of open-iscsi's database, which iscsiadm and its users may have changed.
void vbs::fuzz::one_input(std::string_view input) {
  using namespace vmm_delegate;
  static const Folder folder;
  const std::string id = "01890000-0000-7000-8000-000000000001";
  const RecordCommon common{"vbs-n1", "iqn.2026-01.vbs:node-n1"};
  folder.write("nodes/iqn.2026-01.vbs:" + id + "/192.0.2.7,3260,1/" + common.interface, input);
  const NodeRecords records(folder.path(), common);
  const auto all = records.list();
  require(all && all->size() == 1, "a damaged record is listed too");
  const auto found = records.session(*Uuid::parse(id));
  if (!found || !*found) return;
  const wire::SessionSpec& session = **found;
  const auto portal = split_portal(session.portal);
  require(portal.has_value(), "a portal is one");
  const std::string text = node_record_text(common, session, *portal, 1);
  folder.write("nodes/iqn.2026-01.vbs:" + id + "/192.0.2.7,3260,1/" + common.interface, text);
  const auto again = records.session(*Uuid::parse(id));
  require(again && *again && node_record_text(common, **again, *portal, 1) == text,
          "a record is written as it is read");
}
