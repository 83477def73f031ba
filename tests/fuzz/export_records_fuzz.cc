#include "common/json.h"
#include "tests/fakes/memory_records.h"
#include "tests/fuzz/fuzz.h"
#include "volume_delegate/export_records.h"
#include "volume_delegate/tombstones.h"

namespace {

using namespace vbs;
using namespace vbs::volume_delegate;
using fuzz::require;

const std::string kId = "01890000-0000-7000-8000-000000000001";
const std::string kOther = "01890000-0000-7000-8000-000000000002";

void check_exports(std::string_view record, std::string_view counter) {
  fakes::MemoryRecords folder;
  folder.write(kId, record);
  if (!counter.empty()) folder.write("target-numbers", counter);
  auto records = ExportRecords::load(folder);
  if (!records) return;
  const auto found = (*records)->find(*Uuid::parse(kId));
  require(found.has_value(), "the record is there");
  const auto number = (*records)->next_number();
  require(!number || *number != found->number, "no number is given twice");
  require((*records)->save(*found).has_value(), "it is written");
  const std::string text = folder.read(kId).value();
  const auto again = ExportRecords::load(folder);
  require(again.has_value(), "what was written is read");
  require((*again)->save(*(*again)->find(*Uuid::parse(kId))) && folder.read(kId) == text,
          "a record is written as it is read");
  require((*records)->prune(WallTime(Milliseconds(1))).has_value(), "old ones go");
}

void check_tombstones(std::string_view text) {
  fakes::MemoryRecords folder;
  folder.write(kId, text);
  const auto tombstones = Tombstones::load(folder);
  if (!tombstones) return;
  require((*tombstones)->contains(*Uuid::parse(kId)), "what is buried is known");
  require((*tombstones)->add(*Uuid::parse(kOther), WallTime{}).has_value(), "more are buried");
  require((*tombstones)->prune(WallTime(Milliseconds(1))).has_value(), "old ones go");
  require(!(*tombstones)->contains(*Uuid::parse(kOther)), "old ones are gone");
}

}  // namespace

/// What vbs-volumed keeps of an export, the counter of target numbers after a line "--", and what
/// it keeps of a deleted volume.
void vbs::fuzz::one_input(std::string_view input) {
  std::string_view rest = input;
  const std::string_view record = next_part(rest);
  check_exports(record, rest);
  check_tombstones(record);
}
