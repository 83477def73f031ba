#include "cli/table.h"

#include <gtest/gtest.h>

namespace vbs::cli {
namespace {

TEST(Table, AlignsByDisplayWidth) {
  Table table({"NAME", ">SIZE", "STATE"});
  table.add_row({"日本", "32M", "available"});
  table.add_row({"db", "1024G", "in-use"});
  EXPECT_EQ(table.str(),
            "NAME   SIZE  STATE\n"
            "日本    32M  available\n"
            "db    1024G  in-use\n");
}

TEST(Table, WithoutRowsShowsItsHeadings) {
  EXPECT_EQ(Table({"A", "B"}).str(), "A  B\n");
}

TEST(Table, EscapesCellsSoThatNoneEndsItsLine) {
  Table table({"NAME", "X"});
  table.add_row({"a\nb\x1b[1m", "y"});
  EXPECT_EQ(table.str(), "NAME           X\na\\x0ab\\x1b[1m  y\n");
}

TEST(Details, AlignsValuesAndEscapesThem) {
  EXPECT_EQ(details({{"id", "1"}, {"volume", "a\rb"}}), "id:      1\nvolume:  a\\x0db\n");
}

}  // namespace
}  // namespace vbs::cli
