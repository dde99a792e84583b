// SPDX-License-Identifier: MIT
// What a module can do besides being one: each an interface of its own, so that there can be more.
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace UniversalModuleHost;

/// <summary>
/// A module with dependency injection: it is made from a container of its own, so its constructor
/// may ask for services, and its <c>IHostedService</c>s run from its start to its stop.
/// </summary>
/// <remarks>
/// In the container before this is called: <c>ILogger&lt;T&gt;</c> and <c>ILoggerFactory</c>
/// (records go to the broker's log), <see cref="IConfiguration"/> (the module's <c>Config</c>),
/// <see cref="IModuleHost"/>, <see cref="ModuleIdentity"/>, <c>TimeProvider</c>,
/// <c>IHostApplicationLifetime</c> and <c>IHostEnvironment</c>. A service registered twice is what
/// was registered last.
/// </remarks>
public interface IConfigureServices
{
    /// <summary>Called once, before the constructor.</summary>
    /// <param name="services">The container's services.</param>
    /// <param name="host">The module's host, for its configuration and identity.</param>
    static abstract void ConfigureServices(IServiceCollection services, IModuleHost host);
}

/// <summary>A module that hands something to the version of it that a reload brings.</summary>
public interface IReloadState
{
    /// <summary>
    /// What the successor is to know. Called when the module is being reloaded, after
    /// <c>OnStop</c>; null: nothing. At most 64 KiB of UTF-8 without NUL, and the successor may be
    /// another version. If it throws, or the state is longer, that is logged and the successor is
    /// left nothing.
    /// </summary>
    string? SaveState();

    /// <summary>
    /// What the predecessor saved. Called before <c>OnStart</c>; if it throws, the module fails as
    /// if that had: <c>OnStop</c> follows.
    /// </summary>
    void RestoreState(string state);
}
