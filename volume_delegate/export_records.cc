#include "volume_delegate/export_records.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "common/json.h"

namespace vbs::volume_delegate {
namespace {

/// The record of how many target numbers were set aside.
const std::string kCounter = "target-numbers";
/// Set aside together, so that not every export pays for a second write.
constexpr std::uint32_t kNumbersAtOnce = 64;
/// The last one that is set aside: above, counting on would begin again at 0.
constexpr std::uint32_t kLargestNumber =
    std::numeric_limits<std::uint32_t>::max() - 2 * kNumbersAtOnce;

std::string_view to_text(ExportRecord::Phase phase) {
  switch (phase) {
    case ExportRecord::Phase::live:
      return "live";
    case ExportRecord::Phase::removing:
      return "removing";
    case ExportRecord::Phase::buried:
      return "buried";
    case ExportRecord::Phase::gone:
      return "gone";
  }
  return "";
}

std::optional<ExportRecord::Phase> phase_from(std::string_view text) {
  using Phase = ExportRecord::Phase;
  for (const auto phase : {Phase::live, Phase::removing, Phase::buried, Phase::gone}) {
    if (text == to_text(phase)) return phase;
  }
  return std::nullopt;
}

std::string to_json(const ExportRecord& record) {
  json::Writer out;
  out.begin_object();
  out.member("phase", to_text(record.phase));
  out.member("generation", record.generation);
  if (record.phase == ExportRecord::Phase::gone) {
    out.member("gone_at_ms", to_millis(record.gone_at));
  } else {
    out.member("number", std::uint64_t{record.number});
    if (!record.iqn.empty()) out.member("iqn", record.iqn);
    out.key("spec");
    record.spec.to_json(out);
  }
  out.end_object();
  return out.take();
}

Result<ExportRecord> parse_record(const Uuid& attachment, const std::string& text) {
  auto value = json::parse(text);
  if (!value) return fail(value.error());
  json::Fields fields(*value);
  ExportRecord record;
  record.attachment = attachment;
  const auto phase = phase_from(fields.string("phase"));
  if (!phase) fields.reject("phase", "must be live, removing, buried or gone");
  record.phase = phase.value_or(ExportRecord::Phase::gone);
  record.generation = fields.int64("generation");
  if (record.phase == ExportRecord::Phase::gone) {
    record.gone_at = from_millis(fields.int64("gone_at_ms"));
  } else {
    const std::uint64_t number = fields.uint64("number");
    if (number > kLargestNumber) fields.reject("number", "is too large");
    record.number = static_cast<std::uint32_t>(number);
    record.iqn = fields.optional_string("iqn").value_or("");
    if (const json::Value* spec = fields.object("spec")) {
      auto parsed = wire::ExportSpec::from_json(*spec);
      if (!parsed) return fail(parsed.error());
      record.spec = std::move(*parsed);
    }
  }
  if (auto ok = fields.finish(); !ok) return fail(ok.error());
  return record;
}

tl::unexpected<Error> damaged(const std::string& name, const Error& why) {
  return fail(ErrorCode::internal, "the export record " + name + " is damaged (" + describe(why) +
                                       "); move the file away to go on without that export");
}

}  // namespace

Result<std::unique_ptr<ExportRecords>> ExportRecords::load(RecordFolder& folder) {
  auto names = folder.names();
  if (!names) return fail(names.error());
  std::unique_ptr<ExportRecords> records(new ExportRecords(folder));
  for (const auto& name : *names) {
    const auto attachment = Uuid::parse(name);
    if (!attachment) continue;
    auto text = folder.read(name);
    if (!text) return fail(text.error());
    auto record = parse_record(*attachment, *text);
    if (!record) return damaged(name, record.error());
    records->next_number_ = std::max(records->next_number_, record->number + 1);
    records->records_[*attachment] = std::move(*record);
  }
  if (auto loaded = records->load_counter(); !loaded) return fail(loaded.error());
  return records;
}

Result<void> ExportRecords::load_counter() {
  auto text = folder_.read(kCounter);
  if (!text && text.error().code != ErrorCode::not_found) return fail(text.error());
  if (text) {
    auto value = json::parse(*text);
    if (!value) return damaged(kCounter, value.error());
    json::Fields fields(*value);
    const std::uint64_t until = fields.uint64("set_aside_until");
    if (until > kLargestNumber) fields.reject("set_aside_until", "is too large");
    if (auto ok = fields.finish(); !ok) return damaged(kCounter, ok.error());
    next_number_ = std::max(next_number_, static_cast<std::uint32_t>(until));
  }
  numbers_until_ = next_number_;
  return {};
}

std::optional<ExportRecord> ExportRecords::find(const Uuid& attachment) const {
  std::lock_guard guard(mutex_);
  const auto found = records_.find(attachment);
  if (found == records_.end()) return std::nullopt;
  return found->second;
}

std::vector<ExportRecord> ExportRecords::present() const {
  std::lock_guard guard(mutex_);
  std::vector<ExportRecord> out;
  for (const auto& [attachment, record] : records_) {
    if (record.phase != ExportRecord::Phase::gone) out.push_back(record);
  }
  return out;
}

std::vector<ExportRecord> ExportRecords::of_volume(const Uuid& volume) const {
  auto all = present();
  std::erase_if(all, [&](const ExportRecord& record) {
    return record.spec.volume != volume || record.phase == ExportRecord::Phase::buried;
  });
  return all;
}

Result<void> ExportRecords::save(const ExportRecord& record) {
  if (auto written = folder_.write(record.attachment.str(), to_json(record)); !written) {
    return written;
  }
  std::lock_guard guard(mutex_);
  records_[record.attachment] = record;
  return {};
}

Result<void> ExportRecords::prune(WallTime limit) {
  std::vector<Uuid> old;
  {
    std::lock_guard guard(mutex_);
    for (const auto& [attachment, record] : records_) {
      const bool gone = record.phase == ExportRecord::Phase::gone;
      if (gone && record.gone_at < limit) old.push_back(attachment);
    }
  }
  for (const auto& attachment : old) {
    if (auto removed = folder_.remove(attachment.str()); !removed) return removed;
    std::lock_guard guard(mutex_);
    records_.erase(attachment);
  }
  return {};
}

Result<std::uint32_t> ExportRecords::next_number() {
  std::lock_guard guard(mutex_);
  if (next_number_ == numbers_until_) {
    const std::uint32_t until = numbers_until_ + kNumbersAtOnce;
    if (until > kLargestNumber) {
      return fail(ErrorCode::conflict, "no number is left for a further target");
    }
    json::Writer out;
    out.begin_object();
    out.member("set_aside_until", std::uint64_t{until});
    out.end_object();
    if (auto written = folder_.write(kCounter, out.take()); !written) return fail(written.error());
    numbers_until_ = until;
  }
  return next_number_++;
}

}  // namespace vbs::volume_delegate
