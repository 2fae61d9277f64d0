<#
.SYNOPSIS
Checks a Windows Server (2016 to 2022), runs AWS's own ECS Anywhere installer, and verifies what came of it.

.DESCRIPTION
Without -Register nothing is changed: the checks run and their findings are printed, worst first. With -Register the
official ecs-anywhere-install.ps1 is run when no check failed: from -InstallerPath, or downloaded from AWS. It runs only
with a valid Authenticode signature of Amazon. Exit codes: 0 ready, 1 not ready, 2 usage.

.EXAMPLE
.\bootstrap.ps1 -Region eu-west-1

.EXAMPLE
.\bootstrap.ps1 -Region eu-west-1 -Cluster prod -ActivationFile C:\secrets\activation.json -Register
#>
[CmdletBinding()]
param(
    [string]$Region = '',
    [string]$Cluster = 'default',
    [string]$ActivationFile = '',
    [string]$InstallerPath = '',
    [switch]$Register,
    [int]$TimeoutSeconds = 5
)

Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

# Builds that the official installer takes (its newer variant no longer takes 19042, which is 20H2).
$Builds = @{ 20348 = 'Windows Server 2022'; 17763 = 'Windows Server 2019'; 14393 = 'Windows Server 2016' }
$CredentialNames = 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN', 'AWS_PROFILE',
    'AWS_SHARED_CREDENTIALS_FILE', 'AWS_CONFIG_FILE', 'AWS_WEB_IDENTITY_TOKEN_FILE'

function New-Finding([string]$Check, [string]$Status, [string]$Summary, [string]$Fix = '') {
    [pscustomobject]@{ Check = $Check; Status = $Status; Summary = $Summary; Fix = $Fix }
}

function Get-DnsSuffix([string]$Name) {
    switch -Regex ($Name) {
        '^cn-' { return 'amazonaws.com.cn' }
        '^eusc-' { return 'amazonaws.eu' }
        default { return 'amazonaws.com' }
    }
}

function Get-EndpointNames([string]$Name) {
    $suffix = Get-DnsSuffix $Name
    foreach ($service in 'ecs', 'ecs-a-1', 'ecs-t-1', 'ssm', 'ssmmessages', 'ec2messages', 's3') {
        "$service.$Name.$suffix"
    }
}

function Test-Build([int]$Build, [int]$PowerShellMajor) {
    if (-not $Builds.ContainsKey($Build)) {
        return New-Finding 'system.os' 'fail' "Windows build $Build is not one that the official installer accepts" `
            "Use one of: $(($Builds.Values | Sort-Object) -join ', ')"
    }
    if ($PowerShellMajor -ne 5) {
        return New-Finding 'system.powershell' 'fail' "PowerShell $PowerShellMajor: the official installer needs Windows PowerShell 5.1" `
            'Run this script with powershell.exe, not pwsh.exe'
    }
    New-Finding 'system.os' 'pass' $Builds[$Build]
}

function Test-Credentials([hashtable]$Environment) {
    $found = @($CredentialNames | Where-Object { $Environment.ContainsKey($_) -and $Environment[$_] })
    if ($found.Count) {
        return New-Finding 'agents.credentials' 'fail' "AWS credentials are set for the machine: $($found -join ', ')" `
            'Remove these machine variables: the ECS agent must use those of Systems Manager'
    }
    New-Finding 'agents.credentials' 'pass' 'no other AWS credentials'
}

function Test-Clock([double]$Skew) {
    $size = [math]::Abs($Skew)
    if ($size -gt 240) { return New-Finding 'system.clock' 'fail' "the clock is off by $([math]::Round($size)) s" 'w32tm /resync' }
    if ($size -gt 30) { return New-Finding 'system.clock' 'warn' "the clock is off by $([math]::Round($size)) s" 'w32tm /resync' }
    New-Finding 'system.clock' 'pass' "the clock agrees within $([math]::Round($size, 1)) s"
}

function Test-Endpoint([string]$HostName, [int]$Seconds) {
    # An answer of any status proves the path; the skew comes from its Date header.
    try {
        $request = [System.Net.HttpWebRequest]::Create("https://$HostName/")
        $request.Timeout = $Seconds * 1000
        $request.AllowAutoRedirect = $false
        try { $response = $request.GetResponse() } catch [System.Net.WebException] {
            $response = $_.Exception.Response
            if ($null -eq $response) { throw }
        }
        $date = $response.Headers['Date']
        $response.Close()
        $skew = if ($date) { ([datetime]::UtcNow - [datetime]::Parse($date).ToUniversalTime()).TotalSeconds } else { 0 }
        return @{ Finding = (New-Finding 'endpoints.reach' 'pass' "$HostName answers"); Skew = $skew }
    } catch {
        $text = "$HostName is not reached: $($_.Exception.GetBaseException().Message)"
        return @{ Finding = (New-Finding 'endpoints.reach' 'fail' $text "Allow TCP 443 to $HostName"); Skew = $null }
    }
}

function Read-Activation([string]$Text) {
    $row = $Text | ConvertFrom-Json
    if ($row.ActivationId -notmatch '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$') { throw 'the activation file holds no ActivationId' }
    if ($row.ActivationCode.Length -lt 20) { throw 'the activation file holds no ActivationCode' }
    $row
}

function Test-Installer([string]$Path) {
    $signature = Get-AuthenticodeSignature -FilePath $Path
    if ($signature.Status -ne 'Valid' -or $signature.SignerCertificate.Subject -notmatch 'O="?Amazon') {
        return New-Finding 'package.untrusted' 'fail' "$Path has no valid signature of Amazon ($($signature.Status))" 'Download it again'
    }
    New-Finding 'package.untrusted' 'pass' "signed by $($signature.SignerCertificate.Subject)"
}

function Invoke-Preflight {
    $machine = @{}
    [Environment]::GetEnvironmentVariables('Machine').GetEnumerator() | ForEach-Object { $machine[$_.Key] = $_.Value }
    Test-Build ([Environment]::OSVersion.Version.Build) $PSVersionTable.PSVersion.Major
    Test-Credentials $machine
    $skews = @()
    foreach ($name in Get-EndpointNames $Region) {
        $one = Test-Endpoint $name $TimeoutSeconds
        $one.Finding
        if ($null -ne $one.Skew) { $skews += $one.Skew }
    }
    if ($skews.Count) { Test-Clock (($skews | Measure-Object -Average).Average) }
}

function Test-Result {
    foreach ($name in 'AmazonSSMAgent', 'AmazonECS') {
        $service = Get-Service -Name $name -ErrorAction SilentlyContinue
        if ($null -eq $service -or $service.Status -ne 'Running') {
            New-Finding 'agents.ecs' 'fail' "the service $name does not run" "Start-Service $name; see %ProgramData%\Amazon\ECS\log"
        }
    }
    try {
        $said = Invoke-RestMethod -Uri 'http://localhost:51678/v1/metadata' -TimeoutSec 10
        if ($said.Cluster -ne $Cluster -or -not $said.ContainerInstanceArn) { throw "cluster '$($said.Cluster)'" }
        New-Finding 'agents.ecs' 'pass' $said.ContainerInstanceArn
    } catch {
        New-Finding 'agents.ecs' 'fail' "the ECS agent does not report cluster $Cluster`: $($_.Exception.Message)" 'See %ProgramData%\Amazon\ECS\log'
    }
}

function Show-Findings($Findings) {
    foreach ($status in 'fail', 'warn', 'pass') {
        foreach ($one in @($Findings | Where-Object { $_.Status -eq $status })) {
            Write-Output ('{0,-5} {1,-20} {2}' -f $one.Status, $one.Check, $one.Summary)
            if ($one.Fix) { Write-Output ('{0,-26} fix: {1}' -f '', $one.Fix) }
        }
    }
}

function Invoke-Main {
    if ($Region -notmatch '^[a-z]{2,4}(-[a-z]+)+-\d$') { Write-Error 'give -Region, as in eu-west-1' -ErrorAction Continue; return 2 }
    $findings = @(Invoke-Preflight)
    Show-Findings $findings
    if (@($findings | Where-Object { $_.Status -eq 'fail' }).Count) { return 1 }
    if (-not $Register) { return 0 }
    if (-not $ActivationFile) { Write-Error 'give -ActivationFile with -Register' -ErrorAction Continue; return 2 }
    $activation = Read-Activation (Get-Content -Raw -Path $ActivationFile)
    $path = $InstallerPath
    if (-not $path) {
        $path = Join-Path $env:TEMP 'ecs-anywhere-install.ps1'
        Invoke-WebRequest -UseBasicParsing -OutFile $path -Uri 'https://amazon-ecs-agent.s3.amazonaws.com/ecs-anywhere-install.ps1'
    }
    $signed = Test-Installer $path
    if ($signed.Status -eq 'fail') { Show-Findings @($signed); return 1 }
    & $path -Region $Region -Cluster $Cluster -ActivationID $activation.ActivationId -ActivationCode $activation.ActivationCode
    $result = @(Test-Result)
    Show-Findings $result
    if (@($result | Where-Object { $_.Status -eq 'fail' }).Count) { return 1 }
    return 0
}

# Dot-sourced by its tests: then only the functions are wanted.
if ($MyInvocation.InvocationName -ne '.') {
    $code = 3
    Invoke-Main | ForEach-Object { if ($_ -is [int]) { $code = $_ } else { $_ } }
    exit $code
}
