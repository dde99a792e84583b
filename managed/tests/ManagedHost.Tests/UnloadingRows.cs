// SPDX-License-Identifier: MIT
// What modules do, row by row of docs/unloading.md, and what to do about it.
using System.Collections.Generic;

namespace UniversalModuleHost.Hosting.Tests;

/// <param name="Key">What the module's Config names.</param>
/// <param name="Text">The same for people.</param>
/// <param name="Advice">What keeps the module from being held.</param>
/// <param name="Module">The folder it is loaded from.</param>
internal sealed record UnloadingRow(
    string Key, string Text, string Advice = "", string Module = "Lingering");

internal static class UnloadingRows
{
    public const string WebServer = "web server";
    public const string SharedFolder = "LingeringShared";

    public static readonly IReadOnlyList<UnloadingRow> All =
    [
        new("nothing", "nothing special"),
        new("logger", "`ILogger` of the host"),
        new("token", "a registration on `Stopping`"),
        new("async local", "an `AsyncLocal` set in a callback"),
        new("regex", "`Regex`: compiled, in a static, generated"),
        new("expression", "compiled expressions"),
        new("http", "`HttpClient`"),
        new("json", "System.Text.Json on types of its own"),
        new("json source", "System.Text.Json with a source-generated context"),
        new("newtonsoft tree", "Newtonsoft.Json, `JObject.Parse`"),
        new("newtonsoft", "Newtonsoft.Json, private, on types of its own"),
        new(
            "newtonsoft",
            "Newtonsoft.Json, shared with the host, on types of its own",
            "bring a copy of your own; the host shares none",
            SharedFolder),
        new("xml", "`XmlSerializer`"),
        new("data contract", "`DataContractSerializer`"),
        new("properties", "`TypeDescriptor.GetProperties`"),
        new("converter", "`TypeDescriptor.GetConverter`"),
        new("attributes", "`TypeDescriptor.GetAttributes`"),
        new("add attributes", "`TypeDescriptor.AddAttributes`"),
        new("proxy", "`DispatchProxy`"),
        new("dynamic", "`dynamic` on types of its own", "an interface, or reflection"),
        new("container", "a container of its own, disposed"),
        new("container kept", "a container of its own in a static, never disposed"),
        new(
            "mapper",
            "statics as of an object mapper: caches by type, compiled accessors, a container"),
        new(
            "hosted",
            "dependency injection of the host, hosted services, validated options",
            "",
            "Hosted"),
        new("event source", "an `EventSource`"),
        new("activity source", "an `ActivitySource` in a static"),
        new("activity listener", "an `ActivityListener`"),
        new("meter", "a `Meter` with a counter"),
        new("meter callback", "a `Meter` with a callback"),
        new("thread static", "`[ThreadStatic]`"),
        new("array pool", "`ArrayPool` of a type of its own"),
        new("watcher", "a `FileSystemWatcher`, never disposed"),
        new("process exit", "a handler of `AppDomain.ProcessExit`"),
        new("resolving", "a handler of `AssemblyLoadContext.Default.Resolving`"),
        new("unobserved", "a handler of `TaskScheduler.UnobservedTaskException`"),
        new("cancel key", "a handler of `Console.CancelKeyPress`"),
        new(
            "network change",
            "a handler of `NetworkChange.NetworkAddressChanged`",
            "take it away in `OnStop`"),
        new("native", "a native library of its own"),
        new("native callback", "a callback from a native library, over"),
        new("handle", "a `GCHandle`, never freed", "free it"),
        new("task", "a task on the pool, over"),
        new("ended thread", "a thread of its own, over"),
        new("short delay", "`Task.Delay` that is soon over"),
        new("delay", "`Task.Delay` of minutes", "give it `Stopping`"),
        new("timer", "a running `Timer`", "dispose it in `OnStop`"),
        new("cancel after", "a `CancellationTokenSource` with a time", "dispose it"),
        new("registered wait", "`RegisterWaitForSingleObject`", "`Unregister` it in `OnStop`"),
        new("thread", "a running thread", "end it in `OnStop`"),
        new("blocked task", "a task that does not end", "let it end by `Stopping`"),
        new(WebServer, "Kestrel, stopped and disposed", "", "WebServer"),
    ];
}
