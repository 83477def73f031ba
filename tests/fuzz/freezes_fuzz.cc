#include "common/clock.h"
#include "common/file.h"
#include "tests/fuzz/folder.h"
#include "tests/fuzz/fuzz.h"
#include "vmm_delegate/freeze/freeze_store.h"
#include "vmm_delegate/generations.h"

namespace {

using namespace vbs;
using namespace vbs::vmm_delegate;
using fuzz::require;

const std::string kId = "01890000-0000-7000-8000-000000000001";
const std::string kFile = kId + ".json";

std::string text_in(const fuzz::Folder& folder) {
  return read_file(folder.path() / kFile).value_or("");
}

void check_lease(std::string_view text) {
  static const fuzz::Folder folder;
  static auto store = FreezeStore::open(folder.path());
  folder.write(kFile, text);
  const auto record = store->record(*Uuid::parse(kId));
  if (!record) return;
  require(record->has_value(), "the record is there");
  require(store->save(**record).has_value(), "it is written");
  const std::string written = text_in(folder);
  const auto again = store->record(*Uuid::parse(kId));
  require(again && *again && store->save(**again) && text_in(folder) == written,
          "a record is written as it is read");
}

void check_generations(std::string_view text) {
  static const fuzz::Folder folder;
  SystemClock clock;
  folder.write(kFile, text);
  const auto generations = Generations::open(folder.path(), clock);
  if (!generations) return;
  const Uuid attachment = *Uuid::parse(kId);
  require(
      !(*generations)->accept(attachment, INT64_MIN, Order::make) || text.find('-') != text.npos,
      "an order that is older is refused");
  (*generations)->is_removed(attachment);
  require((*generations)->prune().has_value(), "old ones go");
}

}  // namespace

/// What vbs-vmmd keeps in files: the lease of a freeze, and the newest order for an attachment.
void vbs::fuzz::one_input(std::string_view input) {
  check_lease(input);
  check_generations(input);
}
