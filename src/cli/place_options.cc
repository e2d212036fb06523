#include "cli/place_options.h"

#include <CLI/CLI.hpp>
#include <filesystem>

#include "app/state_dir.h"
#include "cli/command.h"
#include "files/part_file.h"

namespace taubenpost::cli {

PlaceOptions PlaceArgs::options() const {
  PlaceOptions place;
  if (unpack) place.archives = Archives::kUnpack;
  if (if_exists == "fail") place.if_exists = IfExists::kFail;
  if (if_exists == "replace") place.if_exists = IfExists::kReplace;
  return place;
}

Result<std::string> PlaceArgs::folder() const {
  const std::string folder = absolute_path(into.empty() ? "." : into);
  std::error_code code;
  if (std::filesystem::is_directory(folder, code)) return folder;
  if (std::filesystem::exists(folder, code))
    return error(Errc::kUsage, printable(folder, 4096) + ": is not a folder");
  return error(Errc::kNotFound, printable(folder, 4096) + ": no such folder");
}

Status can_be_target(const std::string& file, IfExists if_exists) {
  namespace fs = std::filesystem;
  std::error_code code;
  const fs::path folder = fs::path(file).parent_path();
  const fs::file_status around = fs::status(folder, code);
  if (around.type() == fs::file_type::not_found)
    return error(Errc::kNotFound, printable(folder.string(), 4096) + ": no such folder");
  if (around.type() != fs::file_type::directory)
    return error(Errc::kUsage, printable(folder.string(), 4096) + ": is not a folder");
  const fs::file_status there = fs::symlink_status(file, code);
  if (there.type() == fs::file_type::not_found) return ok();
  if (there.type() != fs::file_type::regular)
    return error(Errc::kRefused,
                 printable(file, 4096) + ": is no regular file, and is not replaced");
  if (if_exists == IfExists::kReplace) return ok();
  return error(Errc::kRefused, printable(file, 4096) + ": exists already",
               "with --if-exists replace it is replaced");
}

boost::asio::awaitable<Status> receive_elsewhere(EnginePorts ports, ReceiveJobRow row,
                                                 std::string folder, PlaceOptions place) {
  TP_CO_TRY(may_receive_again(row));
  Disk disk;
  TP_CO_TRY(move_part_file(disk, row.folder, folder, row.id));
  co_return co_await receive_again(ports, row.id, std::move(folder), std::move(place));
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
