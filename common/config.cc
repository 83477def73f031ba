#include "common/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "common/file.h"
#include "common/text.h"
#include "common/units.h"

namespace vbs::config {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

struct DurationUnit {
  std::string_view text;
  std::int64_t millis;
};
// "ms" before "s": the first that ends the text counts.
constexpr DurationUnit kDurationUnits[] = {
    {"ms", 1}, {"min", 60'000}, {"s", 1'000}, {"h", 3'600'000}};
constexpr std::int64_t kLongestDuration = std::int64_t{10} * 365 * 24 * 3'600'000;

std::optional<std::int64_t> parse_duration(std::string_view text) {
  for (const DurationUnit& unit : kDurationUnits) {
    if (!text.ends_with(unit.text)) continue;
    text.remove_suffix(unit.text.size());
    const char* end = text.data() + text.size();
    std::int64_t count = 0;
    const auto parsed = std::from_chars(text.data(), end, count);
    const bool number = parsed.ec == std::errc() && parsed.ptr == end && !text.empty();
    if (!number || count < 0 || count > kLongestDuration / unit.millis) return std::nullopt;
    return count * unit.millis;
  }
  return std::nullopt;
}

/// One document: what all tables of it share.
struct Document {
  std::string name;
  toml::table root;
  std::map<const toml::table*, std::set<std::string, std::less<>>> asked;
  std::optional<Error> error;

  void reject(const toml::node* node, const std::string& key, const std::string& message) {
    if (error) return;
    std::string text = name;
    if (node != nullptr) text.append(":").append(std::to_string(node->source().begin.line));
    text.append(": ").append(key).append(" ").append(message);
    error = Error{ErrorCode::invalid_request, std::move(text), {}, {}, {}};
  }

  // The first key under `table` that nobody asked for becomes the error.
  void check_unknown(const toml::table& table, const std::string& prefix) {
    const auto known = asked.find(&table);
    if (known == asked.end()) return;
    for (const auto& [key, node] : table) {
      const std::string full = prefix + std::string(key.str());
      if (!known->second.contains(key.str())) {
        std::string message = "is not a setting here; settings: ";
        for (const std::string& setting : known->second) {
          message.append(setting == *known->second.begin() ? "" : ", ").append(setting);
        }
        return reject(&node, full, message);
      }
      check_inside(node, full);
    }
  }

  void check_inside(const toml::node& node, const std::string& full) {
    if (const auto* table = node.as_table()) check_unknown(*table, full + ".");
    const auto* array = node.as_array();
    if (array == nullptr) return;
    for (std::size_t i = 0; i < array->size(); ++i) {
      check_inside(*array->get(i), full + "[" + std::to_string(i) + "]");
    }
  }
};

}  // namespace

struct Table::Impl {
  std::shared_ptr<Document> document;
  const toml::table* table;  ///< nullptr: absent, reads as empty
  std::string prefix;

  const toml::node* find(std::string_view key) {
    if (table == nullptr) return nullptr;
    document->asked[table].emplace(key);
    return table->get(key);
  }

  void reject(std::string_view key, const std::string& message) {
    const toml::node* node = table == nullptr ? nullptr : table->get(key);
    if (node == nullptr && table != &document->root) node = table;
    document->reject(node, prefix + std::string(key), message);
  }

  // The value of one type; empty, and an error, where it has another.
  template <class T>
  std::optional<T> value(std::string_view key, const std::string& expected) {
    const toml::node* node = find(key);
    if (node == nullptr) return std::nullopt;
    const auto held = node->value_exact<T>();
    if (!held) reject(key, "must be " + expected);
    return held ? std::optional<T>(*held) : std::nullopt;
  }

  Impl inside(const toml::table* inner, std::string_view key, const std::string& suffix) const {
    return Impl{document, inner, prefix + std::string(key) + suffix + "."};
  }
};

Table::Table(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {
  if (impl_->table != nullptr) impl_->document->asked.try_emplace(impl_->table);
}
Table::~Table() = default;
Table::Table(Table&&) noexcept = default;

Result<Table> Table::load(const std::string& path) {
  auto text = read_file(path, kMaxFile);
  if (!text) return fail(text.error());
  return parse(*text, path);
}

Result<Table> Table::parse(std::string_view text, const std::string& name) {
  toml::parse_result parsed = toml::parse(text, name);
  if (!parsed) {
    const auto& error = parsed.error();
    return fail(ErrorCode::invalid_request, name + ":" + std::to_string(error.source().begin.line) +
                                                ": " + std::string(error.description()));
  }
  auto document = std::make_shared<Document>();
  document->name = name;
  document->root = std::move(parsed).table();
  const toml::table* root = &document->root;
  return Table(std::make_unique<Impl>(Impl{std::move(document), root, ""}));
}

std::string Table::string(std::string_view key) {
  if (impl_->find(key) == nullptr) impl_->reject(key, "is required");
  return string_or(key, "");
}

std::string Table::string_or(std::string_view key, std::string fallback) {
  return impl_->value<std::string>(key, "a string").value_or(std::move(fallback));
}

std::int64_t Table::integer_or(std::string_view key, std::int64_t fallback, std::int64_t min,
                               std::int64_t max) {
  const std::string expected =
      "an integer from " + std::to_string(min) + " to " + std::to_string(max);
  const auto value = impl_->value<std::int64_t>(key, expected);
  if (!value) return fallback;
  if (*value >= min && *value <= max) return *value;
  impl_->reject(key, "must be " + expected + ", got " + std::to_string(*value));
  return fallback;
}

bool Table::boolean_or(std::string_view key, bool fallback) {
  return impl_->value<bool>(key, "true or false").value_or(fallback);
}

std::uint64_t Table::size_or(std::string_view key, std::uint64_t fallback) {
  const auto text = impl_->value<std::string>(key, "a size in quotes, like \"32M\"");
  if (!text) return fallback;
  const auto size = parse_size(*text);
  if (!size) impl_->reject(key, size.error().message);
  return size.value_or(fallback);
}

std::int64_t Table::duration_or(std::string_view key, std::int64_t fallback_ms) {
  const std::string expected = "a duration in quotes, like \"250ms\", \"10s\", \"5min\" or \"24h\"";
  const auto text = impl_->value<std::string>(key, expected);
  if (!text) return fallback_ms;
  const auto millis = parse_duration(*text);
  if (!millis) impl_->reject(key, "must be " + expected + ", got " + quote(*text));
  return millis.value_or(fallback_ms);
}

std::vector<std::string> Table::strings(std::string_view key) {
  std::vector<std::string> texts;
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return texts;
  const toml::array* array = node->as_array();
  if (array == nullptr || !(array->empty() || array->is_homogeneous<std::string>())) {
    impl_->reject(key, "must be an array of strings");
    return texts;
  }
  for (const toml::node& item : *array) texts.push_back(item.value_or(std::string()));
  return texts;
}

Table Table::table(std::string_view key) {
  const toml::node* node = impl_->find(key);
  const toml::table* inner = node == nullptr ? nullptr : node->as_table();
  if (node != nullptr && inner == nullptr) impl_->reject(key, "must be a table");
  return Table(std::make_unique<Impl>(impl_->inside(inner, key, "")));
}

std::vector<Table> Table::tables(std::string_view key) {
  std::vector<Table> inner;
  const toml::node* node = impl_->find(key);
  if (node == nullptr) return inner;
  const toml::array* array = node->as_array();
  if (array == nullptr || !(array->empty() || array->is_array_of_tables())) {
    impl_->reject(key, "must be an array of tables, written [[" + std::string(key) + "]]");
    return inner;
  }
  for (std::size_t i = 0; i < array->size(); ++i) {
    const std::string suffix = "[" + std::to_string(i) + "]";
    inner.push_back(
        Table(std::make_unique<Impl>(impl_->inside(array->get(i)->as_table(), key, suffix))));
  }
  return inner;
}

void Table::reject(std::string_view key, std::string message) {
  impl_->reject(key, message);
}

Result<void> Table::finish() {
  Document& document = *impl_->document;
  if (!document.error && impl_->table != nullptr) {
    document.check_unknown(*impl_->table, impl_->prefix);
  }
  return document.error ? Result<void>(fail(*document.error)) : Result<void>();
}

}  // namespace vbs::config
