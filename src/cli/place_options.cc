#include "cli/place_options.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/state_dir.h"
#include "cli/command.h"

namespace taubenpost::cli {

PlaceOptions PlaceArgs::options() const {
  PlaceOptions place;
  if (unpack) place.archives = Archives::kUnpack;
  if (if_exists == "fail") place.if_exists = IfExists::kFail;
  if (if_exists == "replace") place.if_exists = IfExists::kReplace;
  return place;
}

Result<std::string> PlaceArgs::folder() const {
  const std::string folder = absolute_path(into);
  std::error_code code;
  if (std::filesystem::is_directory(folder, code)) return folder;
  if (std::filesystem::exists(folder, code))
    return error(Errc::kUsage, printable(into, 4096) + ": is not a folder");
  return error(Errc::kNotFound, printable(into, 4096) + ": no such folder");
}

void add_place_options(CLI::App& command, PlaceArgs& args) {
  command.add_option("--into", args.into, "where files are placed (default: here)")
      ->envname("TAUBENPOST_INTO")
      ->check(names_something())
      ->type_name("DIR");
  command.add_flag("--unpack", args.unpack, "make folders of the archives that are found")
      ->envname("TAUBENPOST_UNPACK");
  command
      .add_option("--if-exists", args.if_exists,
                  "where a name is taken: another name, no file, or in place of the old one")
      ->envname("TAUBENPOST_IF_EXISTS")
      ->check(CLI::IsMember({"rename", "fail", "replace"}))
      ->type_name("rename|fail|replace");
}

}  // namespace taubenpost::cli
