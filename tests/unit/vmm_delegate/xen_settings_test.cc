#include <gtest/gtest.h>

#include "vmm_delegate/settings.h"

namespace vbs::vmm_delegate {
namespace {

Result<Settings> parse(const std::string& hypervisor) {
  return Settings::parse(
      "name = \"hv1\"\ntoken_file = \"/etc/token\"\nstate_dir = \"/var/state\"\n"
      "[initiator]\ndriver = \"open_iscsi\"\n[hypervisor]\ndriver = \"xen\"\n" +
      hypervisor);
}

TEST(XenSettings, FillsInWhatIsNotSaid) {
  const auto settings = parse("");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->hypervisor.driver, "xen");
  EXPECT_EQ(settings->hypervisor.place, "xl");
  EXPECT_EQ(settings->hypervisor.xen.toolstack, "xl");
  EXPECT_EQ(settings->hypervisor.xen.iqn_prefix, "iqn.2026-01.vbs");
  EXPECT_EQ(make_hypervisor(settings->hypervisor, "iqn.2026-01.vbs:node-hv1")->driver(), "xen");
}

TEST(XenSettings, TakesWhatIsSaid) {
  const auto settings = parse("toolstack = \"xm\"\niqn_prefix = \"iqn.2009-03.edu.iu.cgl\"\n");
  ASSERT_TRUE(settings) << settings.error().message;
  EXPECT_EQ(settings->hypervisor.xen.toolstack, "xm");
  EXPECT_EQ(settings->hypervisor.xen.iqn_prefix, "iqn.2009-03.edu.iu.cgl");
}

TEST(XenSettings, SaysWhatIsWrong) {
  for (const char* text : {"toolstack = \"xe\"\n", "iqn_prefix = \"Upper\"\n"}) {
    const auto settings = parse(text);
    ASSERT_FALSE(settings) << text;
    const std::string key(text, std::string(text).find(' '));
    EXPECT_NE(settings.error().message.find(key), std::string::npos) << settings.error().message;
  }
}

}  // namespace
}  // namespace vbs::vmm_delegate
