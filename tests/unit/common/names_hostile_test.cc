#include "common/ids.h"
#include "common/names.h"
#include "tests/unit/common/hostile_names.h"

namespace vbs {
namespace {

constexpr std::size_t kEach = 40'000;

/// What folders of records, sockets and devices are made of.
void expect_one_element(const std::string& name) {
  test::expect_just_below("/folder", "/folder/" + name);
  EXPECT_EQ(name.find('\0'), std::string::npos);
}

void expect_word(const std::string& name) {
  expect_one_element(name);
  EXPECT_FALSE(name.starts_with('-'));
}

TEST(HostileNames, ResourceNamesStayInOneFolder) {
  test::try_hostile_names(
      "data 1", kEach, [](const auto& name) { return check_resource_name(name, "f").has_value(); },
      expect_one_element);
}

TEST(HostileNames, NodeNamesAreWords) {
  test::try_hostile_names(
      "vm-1.lab", kEach, [](const auto& name) { return check_node_name(name, "f").has_value(); },
      expect_word);
}

TEST(HostileNames, IscsiNamesAreWords) {
  test::try_hostile_names(
      "iqn.2026-01.vbs:node-a", kEach,
      [](const auto& name) { return check_iscsi_name(name, "f").has_value(); }, expect_word);
}

TEST(HostileNames, LvmNamesAreWords) {
  test::try_hostile_names(
      "vbs_pool", kEach, [](const auto& name) { return check_lvm_name(name, "f").has_value(); },
      expect_word);
}

TEST(HostileNames, IdsHaveOneForm) {
  test::try_hostile_names(
      "01890c5e-7b1a-7000-8000-00000000000A", kEach,
      [](const auto& name) { return Uuid::parse(name).has_value(); },
      [](const std::string& name) {
        const std::string text = Uuid::parse(name)->str();
        expect_word(text);
        EXPECT_EQ(text.size(), 36U);
        EXPECT_EQ(text.find_first_not_of("0123456789abcdef-"), std::string::npos);
      });
}

}  // namespace
}  // namespace vbs
